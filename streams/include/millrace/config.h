// StreamsConfig: how an application runs. Kafka's keys with _ for a dot, each documented; what is
// rare goes into `properties` and on to the Kafka client.
//
//   StreamsConfig config{.application_id = "word-count", .bootstrap_servers =
//   "kafka1:9092,kafka2:9092"}; Streams app(builder.build(), config.with_arguments(argc, argv));
//
// All mistakes are reported at once, as one ConfigError, one a line.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "millrace/handlers.h"
#include "millrace/logging.h"
#include "millrace/rocksdb_options.h"
#include "millrace/time.h"

namespace millrace {

class EmbeddedLog;

// What to do for an input partition that the application never committed an offset for.
enum class AutoOffsetReset { kEarliest, kLatest, kNone };

struct StreamsConfig {
  // Names the group, internal topics and transactions: the same for all workers of an application,
  // different for every other. 1 to 200 of A-Z a-z 0-9 . _ -
  std::string application_id = {};

  // Brokers: "host:port,host:port"; or a directory of this machine in place of brokers:
  // "embedded:///var/lib/app", "embedded://./data" (docs/embedded_log.md). Nothing else in a program
  // changes.
  std::string bootstrap_servers = {};

  // The embedded log that this process has open already, in place of bootstrap_servers: to write
  // and read topics beside the application. Outlives the application.
  EmbeddedLog* embedded_log = nullptr;

  // How often outputs, state and offsets become visible, together. At least 1 ms; below 30 ms each
  // transaction costs about ten times as much on a real broker.
  Duration commit_interval{100};

  // How long a task with an empty input waits for it, once it is known to be empty, before it takes
  // records of its other inputs. 0: wait only while that is not known; −1: never wait
  // (SEMANTICS R-T5, max.task.idle.ms).
  Duration max_task_idle{0};

  // A transaction that is open for longer is aborted by the broker (transaction.timeout.ms).
  Duration transaction_timeout{10'000};

  // How long an unreachable broker is waited for at start (default.api.timeout.ms).
  Duration default_api_timeout{60'000};

  AutoOffsetReset auto_offset_reset = AutoOffsetReset::kEarliest;

  // Records of one partition that wait in a task at most (buffered.records.per.partition).
  int buffered_records_per_partition = 1000;

  // Worker threads of this process at its start, which share the partitions; more than there are
  // partitions stay idle. Streams::add_thread() and remove_thread() change it (num.stream.threads).
  int num_stream_threads = 1;

  // What becomes of records that cannot be processed (handlers.h). On the command line:
  // --errors.dead.letter.queue.topic.name and --task.timeout.ms.
  ErrorHandling errors = {};

  // Where stores lie on disk, below a directory for each application (state.dir, docs/stores.md).
  // The default: `state` in the directory of the embedded log; with Kafka $XDG_STATE_HOME/millrace,
  // else ~/.local/state/millrace.
  std::string state_dir = {};

  // What all stores of this process, what waits to be processed and what waits to be written may take
  // of memory, in bytes (state.memory.bytes, docs/memory.md). At least 64 MiB; 0: half of what the
  // process may use.
  std::int64_t state_memory_bytes = 0;

  // The last word on RocksDB's options for a store (docs/stores.md).
  RocksDbOptions rocksdb = {};

  // Settings of the embedded log (embedded.sync=commit|window|off, ...: docs/embedded_log.md), and
  // of the Kafka client by their own names, e.g. {"security.protocol", "SASL_SSL"}; with
  // the prefix "consumer.", "producer." or "admin." for that client alone. Values are never
  // printed.
  std::map<std::string, std::string> properties = {};

  // Where messages go; the default writes to stderr. Outlives the application.
  Logger* logger = nullptr;

  // Effect: a copy with what the command line says: --commit.interval.ms=50, --bootstrap.servers=…,
  // any key of above with dots, or --property.<name>=<value> for `properties`.
  // Errors: ConfigError that lists every argument that is not understood, with the nearest key.
  StreamsConfig with_arguments(int argc, const char* const* argv) const;

  // Effect: none if all is well. Errors: ConfigError with all mistakes.
  void validate() const;
};

}  // namespace millrace
