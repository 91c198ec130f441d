#include "support/simulated_file_system.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

namespace millrace::log::journal {

namespace {

constexpr std::uint64_t kSector = 512;

FileError failed(const std::string& operation, const std::string& path, int error) {
  const std::error_code code(error, std::generic_category());
  return {code, operation + " of " + path + ": " + code.message()};
}

std::string directory_of(const std::string& path) { return path.substr(0, path.find_last_of('/')); }
std::string name_of(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

}  // namespace

struct SimulatedFileSystem::Inode {
  Bytes now;                      // what is read
  Bytes disk;                     // what is on the disk
  std::set<std::uint64_t> dirty;  // sectors that the next sync writes

  void mark(std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t sector = from / kSector; sector * kSector < to; ++sector) {
      dirty.insert(sector);
    }
  }
  // Effect: the sector on the disk is as it is read.
  void flush(std::uint64_t sector) {
    const std::uint64_t from = sector * kSector;
    flush(from, std::min<std::uint64_t>(from + kSector, now.size()));
  }
  void flush(std::uint64_t from, std::uint64_t to) {
    to = std::min<std::uint64_t>(to, disk.size());
    if (from < to) disk.replace(from, to - from, now, from, to - from);
  }
  // Where the sector differs between the disk and what is read: [first, last].
  std::optional<std::pair<std::uint64_t, std::uint64_t>> difference(std::uint64_t sector) const {
    std::optional<std::pair<std::uint64_t, std::uint64_t>> found;
    const std::uint64_t end =
        std::min<std::uint64_t>({(sector + 1) * kSector, now.size(), disk.size()});
    for (std::uint64_t at = sector * kSector; at < end; ++at) {
      if (now[at] != disk[at]) found = {found ? found->first : at, at};
    }
    return found;
  }
};

class SimulatedFileSystem::Handle final : public File {
 public:
  Handle(SimulatedFileSystem& files, std::string path, std::shared_ptr<Inode> inode, bool writes)
      : files_(files),
        path_(std::move(path)),
        inode_(std::move(inode)),
        incarnation_(files.incarnation_),
        writes_(writes) {}

  FileStatus append(std::span<const BytesView> pieces) override {
    const std::lock_guard lock(files_.mutex_);
    if (auto error = begin("writing")) return error;
    Bytes all;
    for (const BytesView piece : pieces) all.append(piece);
    return files_.end(files_.write(*inode_, path_, inode_->now.size(), all), path_);
  }

  FileStatus write_at(std::uint64_t offset, BytesView bytes) override {
    const std::lock_guard lock(files_.mutex_);
    if (auto error = begin("writing")) return error;
    if (offset + bytes.size() > inode_->now.size()) return failed("writing", path_, EINVAL);
    return files_.end(files_.write(*inode_, path_, offset, bytes), path_);
  }

  FileStatus sync() override {
    const std::lock_guard lock(files_.mutex_);
    if (auto error = begin("fdatasync")) return error;
    const bool fails = files_.fail_sync_in_ > 0 && --files_.fail_sync_in_ == 0;
    if (!fails && !files_.dying_) {
      inode_->disk.resize(inode_->now.size());
      for (const std::uint64_t sector : inode_->dirty) inode_->flush(sector);
      inode_->dirty.clear();
    } else if (fails) {
      files_.settle(*inode_);
      inode_->dirty.clear();
    }
    FileStatus outcome;
    if (fails) outcome = failed("fdatasync", path_, EIO);
    return files_.end(std::move(outcome), path_);
  }

  FileStatus truncate(std::uint64_t size) override {
    const std::lock_guard lock(files_.mutex_);
    if (auto error = begin("truncation")) return error;
    inode_->now.resize(size);
    std::erase_if(inode_->dirty, [size](std::uint64_t sector) { return sector * kSector >= size; });
    return files_.end(std::nullopt, path_);
  }

  FileResult<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const override {
    const std::lock_guard lock(files_.mutex_);
    if (useless()) return failed("reading", path_, EIO);
    if (!files_.no_reads_.empty() && path_.find(files_.no_reads_) != std::string::npos) {
      return failed("reading", path_, EIO);
    }
    if (offset >= inode_->now.size()) return std::size_t{0};
    return inode_->now.copy(into.data(), into.size(), offset);
  }

  FileResult<std::uint64_t> size() const override {
    const std::lock_guard lock(files_.mutex_);
    if (useless()) return failed("asking for the size", path_, EIO);
    return std::uint64_t{inode_->now.size()};
  }

 private:
  bool useless() const { return files_.off_ || incarnation_ != files_.incarnation_; }
  FileStatus begin(const std::string& operation) {
    if (incarnation_ != files_.incarnation_) return failed(operation, path_, EIO);
    if (!writes_) return failed(operation, path_, EBADF);
    return files_.begin(operation, path_);
  }

  SimulatedFileSystem& files_;
  std::string path_;
  std::shared_ptr<Inode> inode_;
  int incarnation_;
  bool writes_;
};

class SimulatedFileSystem::Lock final : public FileLock {
 public:
  Lock(SimulatedFileSystem& files, std::string path)
      : files_(files), path_(std::move(path)), incarnation_(files.incarnation_) {}
  ~Lock() override {
    const std::lock_guard lock(files_.mutex_);
    if (incarnation_ == files_.incarnation_) files_.locks_.erase(path_);
  }

 private:
  SimulatedFileSystem& files_;
  std::string path_;
  int incarnation_;
};

SimulatedFileSystem::SimulatedFileSystem(std::uint64_t seed) : random_(seed) {
  directories_[""].durable.emplace_back();
}
SimulatedFileSystem::~SimulatedFileSystem() = default;

std::uint64_t SimulatedFileSystem::pick(std::uint64_t below) { return random_() % below; }

// Before an operation that changes something.
FileStatus SimulatedFileSystem::begin(const std::string& operation, const std::string& path) {
  if (off_) return failed(operation, path, EIO);
  if (read_only_) return failed(operation, path, EROFS);
  ++operations_;
  dying_ = cut_in_ > 0 && --cut_in_ == 0;
  return std::nullopt;
}

// Behind it. What it did may or may not have reached the disk, like all that is not synced.
FileStatus SimulatedFileSystem::end(FileStatus outcome, const std::string& path) {
  if (!std::exchange(dying_, false)) return outcome;
  off_ = true;
  power_lost_ = true;
  return failed("the power went: use", path, EIO);
}

bool SimulatedFileSystem::off() const {
  const std::lock_guard lock(mutex_);
  return off_;
}

void SimulatedFileSystem::cut_power_in(int operations) {
  const std::lock_guard lock(mutex_);
  cut_in_ = operations;
}
void SimulatedFileSystem::cut_power() {
  const std::lock_guard lock(mutex_);
  off_ = true;
  power_lost_ = true;
}
void SimulatedFileSystem::kill() {
  const std::lock_guard lock(mutex_);
  off_ = true;
}

// What a disk may hold of a file whose sectors were on their way to it.
void SimulatedFileSystem::settle(Inode& inode) {
  const std::uint64_t before = inode.disk.size();
  const std::uint64_t after = inode.now.size();
  const auto [least, most] = std::minmax(before, after);
  const std::uint64_t how = pick(4);  // 0: nothing came; 1: all of it; 2: a prefix; 3: any mixture
  if (how == 0) return;
  if (how == 1) {
    inode.disk.resize(after);
  } else {
    inode.disk.resize(least + (most > least ? pick(most - least + 1) : 0));
  }
  for (const std::uint64_t sector : inode.dirty) {
    if (how == 3 && pick(2) == 0) continue;
    const auto difference = how == 3 && pick(2) == 0 ? inode.difference(sector) : std::nullopt;
    if (difference) {  // torn where it shows
      const auto [first, last] = *difference;
      inode.flush(sector * kSector, first + pick(last - first + 1));
    } else {
      inode.flush(sector);
    }
  }
}

void SimulatedFileSystem::restart() {
  const std::lock_guard lock(mutex_);
  if (power_lost_) {
    std::set<Inode*> settled;
    for (auto& [path, directory] : directories_) {
      directory.names = directory.durable[pick(directory.durable.size())];
      directory.durable.assign(1, directory.names);
      for (auto& [name, inode] : directory.names) {
        if (!settled.insert(inode.get()).second) continue;
        settle(*inode);
        inode->now = inode->disk;
        inode->dirty.clear();
      }
    }
  }
  ++incarnation_;
  locks_.clear();
  off_ = power_lost_ = false;
  cut_in_ = fail_sync_in_ = 0;
}

void SimulatedFileSystem::set_room(std::optional<std::uint64_t> bytes) {
  const std::lock_guard lock(mutex_);
  room_ = bytes;
}
void SimulatedFileSystem::fail_sync_in(int syncs) {
  const std::lock_guard lock(mutex_);
  fail_sync_in_ = syncs;
}
void SimulatedFileSystem::fail_reads(std::string path) {
  const std::lock_guard lock(mutex_);
  no_reads_ = std::move(path);
}
void SimulatedFileSystem::deny(std::string path) {
  const std::lock_guard lock(mutex_);
  denied_ = std::move(path);
}
void SimulatedFileSystem::set_read_only(bool read_only) {
  const std::lock_guard lock(mutex_);
  read_only_ = read_only;
}

std::map<std::string, std::string> SimulatedFileSystem::contents() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> all;
  for (const auto& [path, directory] : directories_) {
    for (const auto& [name, inode] : directory.names) all[path + "/" + name] = inode->now;
  }
  return all;
}

void SimulatedFileSystem::put(const std::string& path, std::optional<std::string> content) {
  const std::lock_guard lock(mutex_);
  Directory& directory = directories_[directory_of(path)];
  if (content) {
    auto inode = std::make_shared<Inode>();
    inode->now = inode->disk = std::move(*content);
    directory.names[name_of(path)] = std::move(inode);
  } else {
    directory.names.erase(name_of(path));
  }
  directory.durable.assign(1, directory.names);
}

int SimulatedFileSystem::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

std::uint64_t SimulatedFileSystem::used() const {
  std::uint64_t bytes = 0;
  for (const auto& [path, directory] : directories_) {
    for (const auto& [name, inode] : directory.names) bytes += inode->now.size();
  }
  return bytes;
}

FileStatus SimulatedFileSystem::write(Inode& inode, const std::string& path, std::uint64_t at,
                                      BytesView bytes) {
  const std::uint64_t more =
      at + bytes.size() - std::min<std::uint64_t>(inode.now.size(), at + bytes.size());
  bool full = false;
  if (room_ && more > 0) {
    const std::uint64_t left = *room_ - std::min(*room_, used());
    full = more > left;
    if (full) bytes = bytes.substr(0, bytes.size() - (more - left));
  }
  // A power cut may also meet it half way.
  if (dying_) bytes = bytes.substr(0, pick(bytes.size() + 1));
  if (at + bytes.size() > inode.now.size()) inode.now.resize(at + bytes.size());
  inode.now.replace(at, bytes.size(), bytes);
  inode.mark(at, at + bytes.size());
  if (full) return failed("writing", path, ENOSPC);
  return std::nullopt;
}

SimulatedFileSystem::Directory* SimulatedFileSystem::parent(const std::string& path) {
  const auto directory = directories_.find(directory_of(path));
  return directory == directories_.end() ? nullptr : &directory->second;
}

std::shared_ptr<SimulatedFileSystem::Inode> SimulatedFileSystem::find(const std::string& path) {
  Directory* directory = parent(path);
  if (directory == nullptr) return nullptr;
  const auto inode = directory->names.find(name_of(path));
  return inode == directory->names.end() ? nullptr : inode->second;
}

void SimulatedFileSystem::changed(Directory& directory) {
  directory.durable.push_back(directory.names);
}

FileResult<std::unique_ptr<File>> SimulatedFileSystem::open(const std::string& path, Open how) {
  const std::lock_guard lock(mutex_);
  if (off_) return failed("opening", path, EIO);
  if (!denied_.empty() && path.find(denied_) != std::string::npos) {
    return failed("opening", path, EACCES);
  }
  auto inode = find(path);
  if (how == Open::kCreate) {
    Directory* directory = parent(path);
    if (directory == nullptr) return failed("opening", path, ENOENT);
    if (inode) return failed("opening", path, EEXIST);
    if (auto error = begin("opening", path)) return *error;
    inode = std::make_shared<Inode>();
    directory->names[name_of(path)] = inode;
    changed(*directory);
    if (auto error = end(std::nullopt, path)) return *error;
  }
  if (!inode) return failed("opening", path, ENOENT);
  if (how == Open::kAppend && read_only_) return failed("opening", path, EROFS);
  return std::unique_ptr<File>(new Handle(*this, path, inode, how != Open::kRead));
}

FileStatus SimulatedFileSystem::create_directories(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (directories_.contains(path)) return std::nullopt;
  if (auto error = begin("making", path)) return error;
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = path.find('/', slash + 1);
    Directory& directory = directories_[path.substr(0, slash)];
    if (directory.durable.empty()) directory.durable.emplace_back();
  }
  return end(std::nullopt, path);
}

FileResult<std::vector<std::string>> SimulatedFileSystem::list(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  if (off_) return failed("listing", directory, EIO);
  const auto found = directories_.find(directory);
  if (found == directories_.end()) return failed("listing", directory, ENOENT);
  std::vector<std::string> names;
  for (const auto& [name, inode] : found->second.names) names.push_back(name);
  return names;
}

FileStatus SimulatedFileSystem::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  if (off_) return failed("renaming", from, EIO);
  auto inode = find(from);
  if (!inode) return failed("renaming", from, ENOENT);
  if (auto error = begin("renaming", from)) return error;
  Directory& directory = *parent(from);
  directory.names.erase(name_of(from));
  directory.names[name_of(to)] = std::move(inode);
  changed(directory);
  return end(std::nullopt, to);
}

FileStatus SimulatedFileSystem::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (off_) return failed("removing", path, EIO);
  if (!find(path)) return std::nullopt;
  if (auto error = begin("removing", path)) return error;
  Directory& directory = *parent(path);
  directory.names.erase(name_of(path));
  changed(directory);
  return end(std::nullopt, path);
}

FileStatus SimulatedFileSystem::sync_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (auto error = begin("fsync", path)) return error;
  Directory& directory = directories_[path];
  if (!dying_) directory.durable.assign(1, directory.names);
  return end(std::nullopt, path);
}

FileResult<std::uint64_t> SimulatedFileSystem::free_bytes(const std::string& directory) {
  const std::lock_guard guard(mutex_);
  if (off_) return failed("asking for the free space", directory, EIO);
  if (!room_) return std::numeric_limits<std::uint64_t>::max();
  return *room_ - std::min(*room_, used());
}

FileResult<std::unique_ptr<FileLock>> SimulatedFileSystem::lock(const std::string& path,
                                                                const std::string& note) {
  const std::lock_guard guard(mutex_);
  if (off_) return failed("locking", path, EIO);
  auto inode = find(path);
  if (locks_.contains(path)) {
    return FileError{std::make_error_code(std::errc::resource_unavailable_try_again),
                     path + " is held by " + inode->now};
  }
  if (read_only_) return failed("opening", path, EROFS);
  if (!inode) {
    inode = std::make_shared<Inode>();
    Directory& directory = directories_[directory_of(path)];
    directory.names[name_of(path)] = inode;
    changed(directory);
  }
  inode->now = note;
  inode->mark(0, note.size());
  locks_.insert(path);
  return std::unique_ptr<FileLock>(new Lock(*this, path));
}

FileResult<std::unique_ptr<FileLock>> SimulatedFileSystem::lock_to_read(const std::string& path) {
  const std::lock_guard guard(mutex_);
  if (off_) return failed("locking", path, EIO);
  const auto inode = find(path);
  if (!inode) return std::unique_ptr<FileLock>();
  if (locks_.contains(path)) {
    return FileError{std::make_error_code(std::errc::resource_unavailable_try_again),
                     path + " is held by " + inode->now};
  }
  locks_.insert(path);
  return std::unique_ptr<FileLock>(new Lock(*this, path));
}

}  // namespace millrace::log::journal
