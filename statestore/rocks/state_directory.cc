#include "rocks/state_directory.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/clock.h"
#include "millrace/detail/encoding.h"
#include "millrace/detail/murmur2.h"
#include "millrace/detail/text.h"

namespace millrace::state::rocks {

namespace {

constexpr const char* kLockFile = ".lock";
constexpr const char* kProbeFile = ".probe";
// File systems take 255 bytes; RocksDB's own files need none of them.
constexpr std::size_t kLongestFileName = 240;

std::string error_text() { return std::strerror(errno); }

// Errors found on the way are the caller's message; the descriptor is closed with it.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Status unusable(const std::filesystem::path& path, const std::string& why) {
  return Status::fatal("state directory " + path.string() + ' ' + why +
                       ". Nothing in it was touched; say another with state.dir, or mend it");
}

// What the owner of the lock wrote: "pid 4711 since 2026-01-31T12:30:00.250Z on host a".
std::string owner_of(int lock) {
  char text[256];
  const ssize_t size = ::pread(lock, text, sizeof text, 0);
  if (size <= 0) return "another process";
  std::string_view owner(text, static_cast<std::size_t>(size));
  return std::string(owner.substr(0, owner.find('\n')));
}

bool write_owner(int lock) {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  const std::string text = "pid " + std::to_string(::getpid()) + " since " +
                           detail::human_timestamp(SystemClock::instance().now()) + " on " + host +
                           '\n';
  return ::ftruncate(lock, 0) == 0 &&
         ::pwrite(lock, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
         ::fsync(lock) == 0;
}

// What RocksDB does all the time, tried once: a file is written, synced and renamed, and so is its
// directory. Returns false with errno set.
bool probe(const std::filesystem::path& path) {
  const std::filesystem::path file = path / kProbeFile;
  const std::filesystem::path renamed = path / (std::string(kProbeFile) + "-renamed");
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return false;
  ::unlink(file.c_str());  // left by a process that was killed
  const Descriptor written(
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (written.get() < 0) return false;
  constexpr std::string_view kText = "millrace was here\n";
  const bool done =
      ::write(written.get(), kText.data(), kText.size()) == static_cast<ssize_t>(kText.size()) &&
      ::fsync(written.get()) == 0 && ::rename(file.c_str(), renamed.c_str()) == 0 &&
      ::fsync(directory.get()) == 0;
  const int error = errno;
  ::unlink(file.c_str());
  ::unlink(renamed.c_str());
  errno = error;
  return done;
}

// Whoever can write to the directory above can put another in place of ours; it would be refused if it is
// not this user's, and the state is gone from where it was.
void warn_of_parent(const std::filesystem::path& path, Logger& logger) {
  struct stat above {};
  const std::filesystem::path parent = path.parent_path();
  if (::stat(parent.c_str(), &above) != 0 || !S_ISDIR(above.st_mode)) return;
  if ((above.st_mode & S_IWOTH) == 0 || (above.st_mode & S_ISVTX) != 0) return;
  logger.warning(
      "directory " + parent.string() +
      ", which holds the state directory, can be written to by all users: any of them can "
      "move the state away (chmod o-w, or chmod +t, mends that)");
}

}  // namespace

Result<StateDirectory> StateDirectory::open(const std::filesystem::path& path, Logger& logger) {
  if (Status made = make_private_directory(path); !made.ok()) return made;
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0)
    return unusable(path, "cannot be looked at: " + error_text());
  if (S_ISLNK(found.st_mode))
    return unusable(path, "is a link, which somebody could point elsewhere");
  if (!S_ISDIR(found.st_mode)) return unusable(path, "is not a directory");
  std::vector<std::string> mistakes;
  if (found.st_uid != ::geteuid())
    mistakes.push_back("belongs to user " + std::to_string(found.st_uid) +
                       ", and this process runs as " + std::to_string(::geteuid()));
  if ((found.st_mode & 022) != 0)
    mistakes.push_back("can be written to by other users (chmod 700 mends that)");
  if (!mistakes.empty()) return unusable(path, detail::join(mistakes, ", and it "));
  if ((found.st_mode & 077) != 0 && ::chmod(path.c_str(), 0700) != 0)
    return unusable(path,
                    "can be read by other users, and that cannot be changed: " + error_text());

  const std::filesystem::path file = path / kLockFile;
  Descriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (lock.get() < 0) return unusable(path, "cannot be written to: " + error_text());
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return unusable(path, "cannot be locked: " + error_text());
    return Status::fatal(
        "state directory " + path.string() + " is in use by " + owner_of(lock.get()) +
        ". Nothing was touched; two workers on one machine need different directories: "
        "say another with state.dir, or stop the other process");
  }
  if (!write_owner(lock.get()) || !probe(path))
    return unusable(path, "cannot be written to: " + error_text());

  warn_of_parent(path, logger);
  struct statfs system {};
  if (::statfs(path.c_str(), &system) == 0 && system.f_type == TMPFS_MAGIC) {
    logger.warning("state directory " + path.string() +
                   " lies in memory (tmpfs): it counts against it and is gone after a reboot");
  }
  return StateDirectory(path, lock.release());
}

StateDirectory::StateDirectory(StateDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

StateDirectory& StateDirectory::operator=(StateDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

StateDirectory::~StateDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

std::filesystem::path StateDirectory::task(std::string_view name) const {
  return path_ / file_name_of(name);
}

std::string file_name_of(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  std::string file;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (plain(name[i]) && !(i == 0 && name[i] == '.')) {
      file += name[i];
    } else {
      file += '%' + to_hex(name.substr(i, 1));
    }
  }
  if (file.empty()) file = "%";
  if (file.size() > kLongestFileName) {
    Bytes hash;
    detail::append_int(detail::murmur2(name), hash);
    file = file.substr(0, kLongestFileName - 9) + '%' + to_hex(hash);
  }
  return file;
}

Status sync_directory(const std::filesystem::path& directory) {
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 || ::fsync(opened.get()) != 0)
    return Status::retry(directory.string() + ": " + error_text());
  return Status::success();
}

Status make_private_directory(const std::filesystem::path& directory) {
  const std::filesystem::path parent = directory.parent_path();
  std::error_code error;
  if (!parent.empty() && !std::filesystem::exists(parent, error)) {
    if (Status made = make_private_directory(parent); !made.ok()) return made;
  }
  if (::mkdir(directory.c_str(), 0700) == 0) {
    // A crash may forget the entry, and with it what it holds: as if nothing had been written.
    return Status::success();
  }
  if (errno == EEXIST) return Status::success();
  return unusable(directory, "cannot be made: " + error_text());
}

Status write_marker(const std::filesystem::path& file) {
  const Descriptor made(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (made.get() < 0 || ::fsync(made.get()) != 0)
    return Status::retry(file.string() + ": " + error_text());
  return sync_directory(file.parent_path());
}

}  // namespace millrace::state::rocks
