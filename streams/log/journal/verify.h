// Reads every byte of a journal that nobody has open, changes nothing, and names what is not as it was
// written.
//
//   auto verified = verify(directory, FileSystem::real());
//   for (const Finding& found : verified.value().damaged) ...
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "log/journal/file_system.h"
#include "millrace/result.h"

namespace millrace::log::journal {

struct Finding {
  std::string file;
  std::uint64_t at = 0;  // the first byte that is wrong, as far as a checksum can tell
  std::string what;      // which frame or part, and what is wrong with it
};

struct Verified {
  std::uint64_t segments = 0;
  std::uint64_t frames = 0;
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::vector<Finding> damaged;
  std::vector<Finding>
      noted;  // no damage: a torn tail, which opening the journal will cut, and the like
};

// Errors: kFatal: it is open elsewhere (whose, since when), is no journal, or cannot be read.
Result<Verified> verify(const std::string& directory, FileSystem& files);

}  // namespace millrace::log::journal
