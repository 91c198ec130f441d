// How a journal is kept: what stands behind bootstrap.servers=embedded://<directory> and its properties
// (docs/embedded_log.md).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/result.h"
#include "millrace/time.h"

namespace millrace::log::journal {

// When a commit is answered (docs/embedded_log.md says what a power cut can take).
enum class Sync {
  kCommit,  // it is on the disk: commits that come meanwhile share one sync
  kWindow,  // the same, and the writer waits for company first
  kOff,     // it is the operating system's: outlives a crash of the process, not of the machine.
            // Synced once a second
};

struct JournalOptions {
  std::string directory;
  Sync sync = Sync::kCommit;
  Duration sync_window{10};
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  // Records of one transaction, together. Those that come in excess fail it.
  std::uint64_t max_transaction_bytes = std::uint64_t{256} << 20;
  // What may wait, in memory and parked in the files, for transactions that are open still. Commits that
  // would be more wait unanswered.
  std::uint64_t max_parked_bytes = std::uint64_t{256} << 20;
  // How long the id of a producer that is gone is remembered.
  Duration transactional_id_expiration{604'800'000};
  // What the newest records may take in memory, so that readers that keep up read no files.
  std::uint64_t tail_bytes = std::uint64_t{32} << 20;
  // How often retention and compaction are looked after.
  Duration cleaner_interval{30'000};
};

// Whether bootstrap.servers names a directory, well written or not.
bool is_embedded(std::string_view bootstrap_servers);

// The directory of embedded:///absolute/directory or embedded://./relative/directory.
// Errors: kFatal, how it is written.
Result<std::string> embedded_directory(std::string_view bootstrap_servers);

// Effect: takes the properties that begin with "embedded." into the options; others are not looked at.
// Returns what is wrong with them, all of it.
std::vector<std::string> apply_embedded_properties(
    const std::map<std::string, std::string>& properties, JournalOptions& options);

}  // namespace millrace::log::journal
