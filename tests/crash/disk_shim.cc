// A disk between a program and its disk, loaded by LD_PRELOAD: it writes down what the program did to
// the files below one directory, so that tests/crash/power.py can make of it what a power cut would have
// left; and it can be full, or fail to sync. It sees every library of the process alike, RocksDB's
// files as well as the journal's.
//
//   CRASH_DISK_ROOT   the directory, absolute; nothing else is touched
//   CRASH_DISK_TRACE  the file to write down to; then nothing is really synced: the trace says what was
//   CRASH_DISK_FULL   BYTES:FAILURES  when so many bytes were written there is no room, until so many
//                     writes have failed; the first of them writes half
//   CRASH_DISK_SYNC   N  the N-th sync of a file of a journal fails, once
//   CRASH_DISK_STATE_SYNC  N  the same for the files of stores, below a directory "state"
//
// An entry of the trace is a head and `length` bytes; see power.py. A write is written down after it
// happened, a sync before and after, so a sync covers no more than what stands before it.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace {

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}
#define REAL(name) real<decltype(::name)>(#name)

enum class Operation : std::uint32_t {
  kOpen = 1,   // payload: path; offset: 1 if this made the file
  kWrite,      // payload: bytes; at offset
  kTruncate,   // to offset
  kSyncBegin,  // offset: number of the sync
  kSyncEnd,
  kSyncFailed,
  kRename,  // payload: from, a zero, to
  kLink,
  kUnlink,
  kMakeDirectory,
  kRemoveDirectory,
};

struct Head {
  Operation operation;
  std::uint32_t file;
  std::uint64_t offset;
  std::uint64_t length;
};

class Disk {
 public:
  static Disk& instance() {
    static Disk* disk = new Disk;  // outlives every static of the program
    return *disk;
  }

  // The path below the root, without doubled slashes; nullopt: none of ours.
  std::optional<std::string> ours(const char* path) const {
    if (root_.empty() || path == nullptr || *path != '/') return std::nullopt;
    std::string clean;
    for (const char* c = path; *c != '\0'; ++c) {
      if (*c != '/' || clean.empty() || clean.back() != '/') clean += *c;
    }
    if (clean.size() > 1 && clean.back() == '/') clean.pop_back();
    if (!clean.starts_with(root_)) return std::nullopt;
    if (clean.size() > root_.size() && clean[root_.size()] != '/') return std::nullopt;
    return clean;
  }

  void opened(int descriptor, const std::string& path, int flags, bool made) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) return;
    const std::lock_guard lock(mutex_);
    const auto known = files_.find(status.st_ino);
    if (made || known == files_.end()) files_[status.st_ino] = ++last_file_;
    const std::uint32_t file = files_[status.st_ino];
    const bool of_stores = path.find("/state/") != std::string::npos;
    Syncs* const syncs = S_ISDIR(status.st_mode) ? nullptr
                         : of_stores             ? &state_syncs_
                                                 : &journal_syncs_;
    open_[descriptor] = {file, (flags & O_APPEND) != 0, syncs};
    write_down({Operation::kOpen, file, made ? 1U : 0U, path.size()}, path.data());
    if ((flags & O_TRUNC) != 0 && !made) write_down({Operation::kTruncate, file, 0, 0}, nullptr);
  }

  void closed(int descriptor) {
    const std::lock_guard lock(mutex_);
    open_.erase(descriptor);
  }

  bool is_ours(int descriptor) {
    const std::lock_guard lock(mutex_);
    return open_.contains(descriptor);
  }

  // How many of these bytes there is room for; nullopt: none, ENOSPC.
  std::optional<std::size_t> room(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    written_ += bytes;
    if (written_ <= full_at_ || failures_left_ == 0) return bytes;
    if (!std::exchange(half_written_, true) && bytes > 1) return bytes / 2;
    --failures_left_;
    return std::nullopt;
  }

  void wrote(int descriptor, std::uint64_t offset, const void* bytes, std::size_t size) {
    const std::lock_guard lock(mutex_);
    write_down({Operation::kWrite, open_.at(descriptor).file, offset, size}, bytes);
  }

  void truncated(int descriptor, std::uint64_t size) {
    const std::lock_guard lock(mutex_);
    write_down({Operation::kTruncate, open_.at(descriptor).file, size, 0}, nullptr);
  }

  void named(Operation operation, const std::string& names) {
    const std::lock_guard lock(mutex_);
    write_down({operation, 0, 0, names.size()}, names.data());
  }

  template <class Sync>
  int sync(int descriptor, Sync really) {
    std::uint32_t file = 0;
    std::uint64_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      const OpenFile& open = open_.at(descriptor);
      file = open.file;
      number = ++syncs_;
      if (open.syncs != nullptr && ++open.syncs->done == open.syncs->failing) {
        write_down({Operation::kSyncFailed, file, number, 0}, nullptr);
        errno = EIO;
        return -1;
      }
      write_down({Operation::kSyncBegin, file, number, 0}, nullptr);
    }
    const int result = trace_ < 0 ? really(descriptor) : 0;
    if (result == 0) {
      const std::lock_guard lock(mutex_);
      write_down({Operation::kSyncEnd, file, number, 0}, nullptr);
    }
    return result;
  }

  bool is_appending(int descriptor) {
    const std::lock_guard lock(mutex_);
    return open_.at(descriptor).append;
  }

 private:
  struct Syncs {
    std::uint64_t done = 0;
    std::uint64_t failing = 0;  // 0: none
  };
  struct OpenFile {
    std::uint32_t file;
    bool append;
    Syncs* syncs;  // of its kind; null: a directory, whose syncs never fail
  };

  Disk() {
    if (const char* root = std::getenv("CRASH_DISK_ROOT")) root_ = root;
    if (const char* full = std::getenv("CRASH_DISK_FULL")) {
      char* rest = nullptr;
      full_at_ = std::strtoull(full, &rest, 10);
      failures_left_ = *rest == ':' ? std::strtoull(rest + 1, nullptr, 10) : 0;
    }
    if (const char* number = std::getenv("CRASH_DISK_SYNC"))
      journal_syncs_.failing = std::strtoull(number, nullptr, 10);
    if (const char* number = std::getenv("CRASH_DISK_STATE_SYNC"))
      state_syncs_.failing = std::strtoull(number, nullptr, 10);
    if (const char* trace = std::getenv("CRASH_DISK_TRACE")) {
      trace_ = REAL(open)(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      if (trace_ < 0) {
        std::perror(trace);
        std::abort();
      }
    }
  }

  // REQUIRES: mutex_ held.
  void write_down(Head head, const void* payload) {
    if (trace_ < 0) return;
    static_assert(sizeof(Head) == 24);
    const iovec pieces[] = {{&head, sizeof head}, {const_cast<void*>(payload), head.length}};
    const auto size = static_cast<ssize_t>(sizeof head + head.length);
    if (REAL(writev)(trace_, pieces, 2) != size) {
      std::perror("the trace of the disk");
      std::abort();
    }
  }

  std::mutex mutex_;
  std::string root_;
  int trace_ = -1;
  std::map<int, OpenFile> open_;
  std::map<ino_t, std::uint32_t> files_;
  std::uint32_t last_file_ = 0;
  std::uint64_t syncs_ = 0;
  Syncs journal_syncs_;
  Syncs state_syncs_;
  std::uint64_t written_ = 0;
  std::uint64_t full_at_ = UINT64_MAX;
  std::uint64_t failures_left_ = 0;
  bool half_written_ = false;
};

// Effect: `write` of at most so many bytes as there is room for, written down.
template <class Write>
ssize_t write_some(int descriptor, const void* bytes, std::size_t size,
                   std::optional<std::uint64_t> at, Write write) {
  Disk& disk = Disk::instance();
  const auto room = disk.room(size);
  if (!room) {
    errno = ENOSPC;
    return -1;
  }
  const ssize_t written = write(bytes, *room);
  if (written <= 0) return written;
  const auto length = static_cast<std::size_t>(written);
  const std::uint64_t end =
      at ? *at + length : static_cast<std::uint64_t>(::lseek(descriptor, 0, SEEK_CUR));
  disk.wrote(descriptor, end - length, bytes, length);
  return written;
}

template <class Call>
int named(Operation operation, const char* path, Call call) {
  const auto ours = Disk::instance().ours(path);
  const int result = call();
  if (ours && result == 0) Disk::instance().named(operation, *ours);
  return result;
}

template <class Call>
int named(Operation operation, const char* from, const char* to, Call call) {
  const auto ours_from = Disk::instance().ours(from);
  const auto ours_to = Disk::instance().ours(to);
  const int result = call();
  if (ours_from && ours_to && result == 0)
    Disk::instance().named(operation, *ours_from + '\0' + *ours_to);
  return result;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  const auto ours = Disk::instance().ours(path);
  const bool made = ours && (flags & O_CREAT) != 0 && ::access(path, F_OK) != 0;
  const int descriptor = REAL(open)(path, flags, mode);
  if (ours && descriptor >= 0) Disk::instance().opened(descriptor, *ours, flags, made);
  return descriptor;
}

int close(int descriptor) {
  Disk::instance().closed(descriptor);
  return REAL(close)(descriptor);
}

ssize_t write(int descriptor, const void* bytes, std::size_t size) {
  const auto call = [=](const void* from, std::size_t length) {
    return REAL(write)(descriptor, from, length);
  };
  if (!Disk::instance().is_ours(descriptor)) return call(bytes, size);
  return write_some(descriptor, bytes, size, std::nullopt, call);
}

ssize_t pwrite(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  const auto call = [=](const void* from, std::size_t length) {
    return REAL(pwrite)(descriptor, from, length, offset);
  };
  if (!Disk::instance().is_ours(descriptor)) return call(bytes, size);
  return write_some(descriptor, bytes, size, static_cast<std::uint64_t>(offset), call);
}

// As one write, so that half of it may be missing.
ssize_t writev(int descriptor, const iovec* pieces, int count) {
  if (!Disk::instance().is_ours(descriptor)) return REAL(writev)(descriptor, pieces, count);
  std::string all;
  for (int i = 0; i < count; ++i)
    all.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  return ::write(descriptor, all.data(), all.size());
}

ssize_t pwritev(int descriptor, const iovec* pieces, int count, off_t offset) {
  if (!Disk::instance().is_ours(descriptor))
    return REAL(pwritev)(descriptor, pieces, count, offset);
  std::string all;
  for (int i = 0; i < count; ++i)
    all.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  return ::pwrite(descriptor, all.data(), all.size(), offset);
}

int ftruncate(int descriptor, off_t size) noexcept {
  const int result = REAL(ftruncate)(descriptor, size);
  if (result == 0 && Disk::instance().is_ours(descriptor))
    Disk::instance().truncated(descriptor, static_cast<std::uint64_t>(size));
  return result;
}

int fdatasync(int descriptor) {
  const auto call = REAL(fdatasync);
  return Disk::instance().is_ours(descriptor) ? Disk::instance().sync(descriptor, call)
                                              : call(descriptor);
}

int fsync(int descriptor) {
  const auto call = REAL(fsync);
  return Disk::instance().is_ours(descriptor) ? Disk::instance().sync(descriptor, call)
                                              : call(descriptor);
}

int rename(const char* from, const char* to) noexcept {
  return named(Operation::kRename, from, to, [=] { return REAL(rename)(from, to); });
}

int link(const char* from, const char* to) noexcept {
  return named(Operation::kLink, from, to, [=] { return REAL(link)(from, to); });
}

int unlink(const char* path) noexcept {
  return named(Operation::kUnlink, path, [=] { return REAL(unlink)(path); });
}

int remove(const char* path) noexcept {
  struct stat status {};
  const bool directory = ::stat(path, &status) == 0 && S_ISDIR(status.st_mode);
  return named(directory ? Operation::kRemoveDirectory : Operation::kUnlink, path,
               [=] { return REAL(remove)(path); });
}

int mkdir(const char* path, mode_t mode) noexcept {
  return named(Operation::kMakeDirectory, path, [=] { return REAL(mkdir)(path, mode); });
}

int rmdir(const char* path) noexcept {
  return named(Operation::kRemoveDirectory, path, [=] { return REAL(rmdir)(path); });
}

// The same under the names that programs with large file offsets use.
int open64(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return open(path, flags, mode);
}

ssize_t pwrite64(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  return pwrite(descriptor, bytes, size, offset);
}

int ftruncate64(int descriptor, off_t size) noexcept { return ftruncate(descriptor, size); }

}  // extern "C"
