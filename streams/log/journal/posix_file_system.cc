// The machine's own files.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "log/journal/file_system.h"
#include "millrace/detail/failpoint.h"

namespace millrace::log::journal {

namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

FileError failed(std::string_view operation, const std::string& path, int error = errno) {
  const std::error_code code(error, std::generic_category());
  return {code, std::string(operation) + " of " + path + ": " + code.message()};
}

// Calls until no signal interrupts.
template <class Call>
auto uninterrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

class PosixFile final : public File {
 public:
  PosixFile(std::string path, Descriptor fd, std::uint64_t end)
      : path_(std::move(path)), fd_(std::move(fd)), end_(end) {}

  FileStatus append(std::span<const BytesView> pieces) override {
    for (const BytesView piece : pieces) {
      if (auto error = write(end_, piece)) return error;
      end_ += piece.size();
    }
    return std::nullopt;
  }

  FileStatus write_at(std::uint64_t offset, BytesView bytes) override {
    return write(offset, bytes);
  }

  FileStatus sync() override {
    if (const int e = MR_FAILPOINT_ERROR("file.sync")) return failed("fdatasync", path_, e);
    if (uninterrupted([&] { return ::fdatasync(fd_.get()); }) != 0) {
      return failed("fdatasync", path_);
    }
    return std::nullopt;
  }

  FileStatus truncate(std::uint64_t size) override {
    if (const int e = MR_FAILPOINT_ERROR("file.truncate")) return failed("truncation", path_, e);
    if (uninterrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) != 0) {
      return failed("truncation", path_);
    }
    end_ = size;
    return std::nullopt;
  }

  FileResult<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t n = uninterrupted([&] {
        return ::pread(fd_.get(), into.data() + done, into.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (n < 0) return failed("reading", path_);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  FileResult<std::uint64_t> size() const override {
    struct stat about {};
    if (::fstat(fd_.get(), &about) != 0) return failed("asking for the size", path_);
    return static_cast<std::uint64_t>(about.st_size);
  }

 private:
  FileStatus write(std::uint64_t at, BytesView bytes) {
    if (const int e = MR_FAILPOINT_ERROR("file.write")) return failed("writing", path_, e);
    while (!bytes.empty()) {
      const ssize_t n = uninterrupted(
          [&] { return ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(at)); });
      if (n < 0) return failed("writing", path_);
      at += static_cast<std::uint64_t>(n);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return std::nullopt;
  }

  std::string path_;
  Descriptor fd_;
  std::uint64_t end_;  // where append() writes
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;  // closing it ends the lock
};

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

class PosixFileSystem final : public FileSystem {
 public:
  FileResult<std::unique_ptr<File>> open(const std::string& path, Open how) override {
    const int flags = how == Open::kRead     ? O_RDONLY
                      : how == Open::kAppend ? O_RDWR
                                             : O_RDWR | O_CREAT | O_EXCL;
    if (how == Open::kCreate) {
      if (const int e = MR_FAILPOINT_ERROR("file.create")) return failed("opening", path, e);
    }
    Descriptor fd(
        uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, kFileMode); }));
    if (fd.get() < 0) return failed("opening", path);
    struct stat about {};
    if (::fstat(fd.get(), &about) != 0) return failed("asking for the size", path);
    if (!S_ISREG(about.st_mode)) return failed("opening", path, EINVAL);
    return std::unique_ptr<File>(
        new PosixFile(path, std::move(fd), static_cast<std::uint64_t>(about.st_size)));
  }

  FileStatus create_directories(const std::string& path) override {
    struct stat about {};
    if (::stat(path.c_str(), &about) == 0) {
      if (!S_ISDIR(about.st_mode)) return failed("making the directory", path, ENOTDIR);
      return std::nullopt;
    }
    if (errno != ENOENT) return failed("making the directory", path);
    const std::string parent = parent_of(path);
    if (parent != path) {
      if (auto error = create_directories(parent)) return error;
    }
    if (::mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
      return failed("making the directory", path);
    }
    return sync_directory(parent);
  }

  FileResult<std::vector<std::string>> list(const std::string& directory) override {
    DIR* open = ::opendir(directory.c_str());
    if (open == nullptr) return failed("listing", directory);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(open)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    const int error = errno;
    ::closedir(open);
    if (error != 0) return failed("listing", directory, error);
    std::ranges::sort(names);
    return names;
  }

  FileStatus rename(const std::string& from, const std::string& to) override {
    if (const int e = MR_FAILPOINT_ERROR("file.rename")) return failed("renaming", from, e);
    if (::rename(from.c_str(), to.c_str()) != 0) return failed("renaming", from);
    return std::nullopt;
  }

  FileStatus remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed("removing", path);
    return std::nullopt;
  }

  FileStatus sync_directory(const std::string& path) override {
    if (const int e = MR_FAILPOINT_ERROR("file.sync_directory")) return failed("fsync", path, e);
    const Descriptor fd(
        uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (fd.get() < 0) return failed("opening", path);
    if (uninterrupted([&] { return ::fsync(fd.get()); }) != 0) return failed("fsync", path);
    return std::nullopt;
  }

  FileResult<std::uint64_t> free_bytes(const std::string& directory) override {
    struct statvfs about {};
    if (uninterrupted([&] { return ::statvfs(directory.c_str(), &about); }) != 0)
      return failed("asking for the free space", directory);
    return std::uint64_t{about.f_bavail} * std::uint64_t{about.f_frsize};
  }

  FileResult<std::unique_ptr<FileLock>> lock(const std::string& path,
                                             const std::string& note) override {
    Descriptor fd(uninterrupted(
        [&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode); }));
    if (fd.get() < 0) return failed("opening", path);
    if (auto error = take(fd, path, LOCK_EX)) return *error;
    // The note is for people: a failure to write it is no reason to stop.
    if (::ftruncate(fd.get(), 0) == 0) {
      (void)!::pwrite(fd.get(), note.data(), note.size(), 0);
    }
    return std::unique_ptr<FileLock>(new PosixLock(std::move(fd)));
  }

  FileResult<std::unique_ptr<FileLock>> lock_to_read(const std::string& path) override {
    Descriptor fd(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
    if (fd.get() < 0 && errno == ENOENT) return std::unique_ptr<FileLock>();
    if (fd.get() < 0) return failed("opening", path);
    if (auto error = take(fd, path, LOCK_SH)) return *error;
    return std::unique_ptr<FileLock>(new PosixLock(std::move(fd)));
  }

 private:
  static FileStatus take(const Descriptor& fd, const std::string& path, int how) {
    if (uninterrupted([&] { return ::flock(fd.get(), how | LOCK_NB); }) == 0) return std::nullopt;
    if (errno != EWOULDBLOCK) return failed("locking", path);
    std::array<char, 200> holder{};
    const ssize_t n = ::pread(fd.get(), holder.data(), holder.size(), 0);
    std::string who(holder.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    while (who.ends_with('\n')) who.pop_back();
    return FileError{std::make_error_code(std::errc::resource_unavailable_try_again),
                     path + " is held by " + (who.empty() ? "another process" : who)};
  }
};

}  // namespace

bool FileError::is_full() const {
  return code == std::errc::no_space_on_device ||
         code == std::error_code(EDQUOT, std::generic_category());
}

bool FileError::is_missing() const { return code == std::errc::no_such_file_or_directory; }

FileSystem& FileSystem::real() {
  static PosixFileSystem files;
  return files;
}

}  // namespace millrace::log::journal
