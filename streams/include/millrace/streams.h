// Streams: runs a topology on a Kafka cluster, exactly once.
//
//   Streams app(builder.build(), {.application_id = "word-count", .bootstrap_servers =
//   "kafka1:9092"}); return app.run();          // until SIGINT or SIGTERM; commits, leaves,
//   returns the exit code
//
// One worker thread per process; it reads all partitions. Every output, every change of state and
// the input offsets become visible together or not at all; a crash loses nothing and doubles
// nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "millrace/config.h"
#include "millrace/topology.h"

namespace millrace {

class Streams {
 public:
  enum class State {
    kCreated,
    kRunning,  // or on its way there: topics are checked, state is restored
    kClosing,
    kClosed,
    kFailed,  // failure() says why; nothing uncommitted is visible
  };

  // Errors: ConfigError with every mistake. Nothing is contacted yet.
  Streams(Topology topology, StreamsConfig config);
  // Effect: close() without limit, if it runs.
  ~Streams();
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  // Effect: starts the worker's thread and returns. REQUIRES: kCreated.
  void start();

  // Effect: start(), then waits for SIGINT, SIGTERM or a failure, then close(30 s).
  // Returns: 0 after an orderly end, 1 after a failure (printed to the logger).
  int run();

  // Effect: commits what is open, gives everything back and ends the thread. Returns false if that
  // took longer than `timeout`: the process may end all the same, the broker aborts what is open.
  // Thread-safe; a second call waits for the first.
  bool close(Duration timeout);

  // Thread-safe.
  State state() const;
  // Why it failed; empty unless kFailed.
  std::string failure() const;

  // Records taken and transactions committed since the start. Thread-safe; eventually right.
  struct Progress {
    std::int64_t records = 0;
    std::int64_t commits = 0;
    std::int64_t aborts = 0;
  };
  Progress progress() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace millrace
