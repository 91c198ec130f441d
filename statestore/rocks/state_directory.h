// The directory in which an application keeps its state on this machine. One process at a time has
// it; nobody else can read it. Below it lies one directory per task, named by what the task reads
// and never by a number that shifts (docs/format/state.md).
//
//   auto directory = StateDirectory::open("/var/lib/millrace/orders", logger);
//   if (!directory.ok()) ...                       // in use by another process, not ours, read-only
//   directory.value().task("payments-3");          // .../payments-3; not made yet
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "millrace/logging.h"
#include "millrace/result.h"

namespace millrace::state::rocks {

class StateDirectory {
 public:
  // Effect: makes the directory (mode 0700, parents included), takes it for this process, and tries what
  // it needs: to write, sync and rename a file. Warns of a directory that lies in memory, and of one above
  // that all can write to. Errors: kFatal: another process has it (which, since when), it is
  // a link or somebody else's or open to all, it cannot be written to.
  static Result<StateDirectory> open(const std::filesystem::path& path, Logger& logger);

  StateDirectory(StateDirectory&& other) noexcept;
  StateDirectory& operator=(StateDirectory&& other) noexcept;
  // Effect: another process may have it.
  ~StateDirectory();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path task(std::string_view name) const;

 private:
  StateDirectory(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::filesystem::path path_;
  int lock_ = -1;
};

// A file name for any name: letters, digits, '.', '_' and '-' stand for themselves, '%' and two
// digits for every other byte and for a '.' at the beginning. Different names give different files;
// what is too long for a file system ends with a hash instead.
std::string file_name_of(std::string_view name);

// Effect: makes the file's or directory's last change of entries durable. Errors: kRetry.
Status sync_directory(const std::filesystem::path& directory);

// Effect: makes a directory that only its owner can enter, parents included. Errors: kFatal.
Status make_private_directory(const std::filesystem::path& directory);

// Effect: an empty file, durable. Errors: kRetry.
Status write_marker(const std::filesystem::path& file);

}  // namespace millrace::state::rocks
