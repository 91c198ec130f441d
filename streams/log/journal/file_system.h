// The journal's only way to files, so that power cuts, full disks and failing syncs can be simulated
// (DESIGN §7). Two implementations: the real one (POSIX), and a simulated one that keeps what was
// written and what was synced apart.
//
// What a power cut leaves, by the rules that the journal trusts and the simulation takes literally:
// bytes that a sync() covered; of bytes written after it any prefix, any torn mixture, or none; names
// as of the last sync_directory() of their directory, or any later state of them.
//
// Errors are values: an error_code with the operation and the path in words. ENOSPC and EDQUOT are
// told apart by is_full(). Thread-safety: a FileSystem may be used by any thread; one File object
// that writes by one thread at a time; read_at() by any number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "millrace/bytes.h"

namespace millrace::log::journal {

struct FileError {
  std::error_code code;
  std::string
      what;  // "fdatasync of /var/lib/app/journal/0000000012.segment: No space left on device"

  bool is_full() const;
  bool is_missing() const;
};

template <class T>
class [[nodiscard]] FileResult {
 public:
  FileResult(T value) : value_(std::move(value)) {}
  FileResult(FileError error) : error_(std::move(error)) {}
  bool ok() const { return value_.has_value(); }
  // REQUIRES: ok().
  T& value() { return *value_; }
  // REQUIRES: !ok().
  const FileError& error() const { return *error_; }

 private:
  std::optional<T> value_;
  std::optional<FileError> error_;
};

// nullopt: all went well.
using FileStatus = std::optional<FileError>;

// An open file. Files are made with mode 0600, directories with 0700.
class File {
 public:
  virtual ~File() = default;

  // Effect: appends all pieces in this order. On failure any prefix may have been written: the
  // caller truncates before it goes on.
  [[nodiscard]] virtual FileStatus append(std::span<const BytesView> pieces) = 0;
  // Effect: writes over what is there. On failure, and after a power cut before the next sync(),
  // the place holds old and new bytes in any mixture. REQUIRES: offset + bytes.size() <= size().
  [[nodiscard]] virtual FileStatus write_at(std::uint64_t offset, BytesView bytes) = 0;
  // Effect: all that was written lasts (fdatasync). After a failure nothing written since the last
  // success is to be believed, also if a later call succeeds.
  [[nodiscard]] virtual FileStatus sync() = 0;
  [[nodiscard]] virtual FileStatus truncate(std::uint64_t size) = 0;
  // Effect: reads at most into.size() bytes; fewer only at the end of the file.
  virtual FileResult<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const = 0;
  virtual FileResult<std::uint64_t> size() const = 0;
};

// Held while it lives; released by the end of the process, however that comes.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  enum class Open {
    kRead,    // an existing file, for read_at()
    kAppend,  // an existing file, behind its end
    kCreate,  // a new file; one of that name is an error
  };
  virtual FileResult<std::unique_ptr<File>> open(const std::string& path, Open how) = 0;
  // Effect: as far as they are missing; parents too. The names of those that were made last.
  [[nodiscard]] virtual FileStatus create_directories(const std::string& path) = 0;
  // Names without the directory, sorted. A missing directory is an error.
  virtual FileResult<std::vector<std::string>> list(const std::string& directory) = 0;
  [[nodiscard]] virtual FileStatus rename(const std::string& from, const std::string& to) = 0;
  // A missing file is no error. Open files of that name can be read on.
  [[nodiscard]] virtual FileStatus remove(const std::string& path) = 0;
  [[nodiscard]] virtual FileStatus sync_directory(const std::string& path) = 0;
  // How much this process may still write to the disk of the directory.
  virtual FileResult<std::uint64_t> free_bytes(const std::string& directory) = 0;
  // Effect: takes the lock of this file, making it if needed, and writes `note` into it (pid and
  // since when). Held by somebody else: an error with their note in its words.
  virtual FileResult<std::unique_ptr<FileLock>> lock(const std::string& path,
                                                     const std::string& note) = 0;

  // Effect: the same for somebody who only reads: changes nothing, and several may hold it together. A
  // missing file is no error: nullptr.
  virtual FileResult<std::unique_ptr<FileLock>> lock_to_read(const std::string& path) = 0;

  // The machine's own.
  static FileSystem& real();
};

}  // namespace millrace::log::journal
