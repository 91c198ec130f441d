// How a journal is kept: what is behind embedded:///dir, and its properties.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "millrace/result.h"
#include "millrace/time.h"

namespace millrace::log::journal {

// When a commit is answered (docs/embedded_log.md says what a power cut can take).
enum class Sync {
  kCommit,  // it is on the disk: commits that come meanwhile share one sync
  kWindow,  // the same, and the writer waits for company first
  kOff,     // it is the operating system's: outlives a crash of the process, not of the machine
};

struct JournalOptions {
  std::string directory;
  Sync sync = Sync::kCommit;
  Duration sync_window{10};
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  // Records of one transaction, together. Those that come in excess fail it.
  std::uint64_t max_transaction_bytes = std::uint64_t{256} << 20;
  // What the newest records may take in memory, so that readers that keep up read no files.
  std::uint64_t tail_bytes = std::uint64_t{32} << 20;
};

}  // namespace millrace::log::journal
