// Files of any kind, each operation of which a test sees first: it may count, wait, or throw.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "log/journal/file_system.h"

namespace millrace::log::journal {

// "open", "append", "write", "sync", "truncate", "read", "size", "list", "rename", "remove",
// "sync_directory", "free": with the path. Any thread.
using Watch = std::function<void(std::string_view operation, const std::string& path)>;

class WatchedFile final : public File {
 public:
  WatchedFile(std::unique_ptr<File> file, std::string path, const Watch& watch)
      : file_(std::move(file)), path_(std::move(path)), watch_(watch) {}

  FileStatus append(std::span<const BytesView> pieces) override {
    watch_("append", path_);
    return file_->append(pieces);
  }
  FileStatus write_at(std::uint64_t offset, BytesView bytes) override {
    watch_("write", path_);
    return file_->write_at(offset, bytes);
  }
  FileStatus sync() override {
    watch_("sync", path_);
    return file_->sync();
  }
  FileStatus truncate(std::uint64_t size) override {
    watch_("truncate", path_);
    return file_->truncate(size);
  }
  FileResult<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const override {
    watch_("read", path_);
    return file_->read_at(offset, into);
  }
  FileResult<std::uint64_t> size() const override {
    watch_("size", path_);
    return file_->size();
  }

 private:
  const std::unique_ptr<File> file_;
  const std::string path_;
  const Watch& watch_;
};

class WatchedFileSystem final : public FileSystem {
 public:
  explicit WatchedFileSystem(Watch watch, FileSystem& files = FileSystem::real())
      : watch_(std::move(watch)), files_(files) {}

  FileResult<std::unique_ptr<File>> open(const std::string& path, Open how) override {
    watch_("open", path);
    auto opened = files_.open(path, how);
    if (!opened.ok()) return opened.error();
    return std::unique_ptr<File>(new WatchedFile(std::move(opened.value()), path, watch_));
  }
  FileStatus create_directories(const std::string& path) override {
    return files_.create_directories(path);
  }
  FileResult<std::vector<std::string>> list(const std::string& directory) override {
    watch_("list", directory);
    return files_.list(directory);
  }
  FileStatus rename(const std::string& from, const std::string& to) override {
    watch_("rename", from);
    return files_.rename(from, to);
  }
  FileStatus remove(const std::string& path) override {
    watch_("remove", path);
    return files_.remove(path);
  }
  FileStatus sync_directory(const std::string& path) override {
    watch_("sync_directory", path);
    return files_.sync_directory(path);
  }
  FileResult<std::uint64_t> free_bytes(const std::string& directory) override {
    watch_("free", directory);
    return files_.free_bytes(directory);
  }
  FileResult<std::unique_ptr<FileLock>> lock(const std::string& path,
                                             const std::string& note) override {
    return files_.lock(path, note);
  }
  FileResult<std::unique_ptr<FileLock>> lock_to_read(const std::string& path) override {
    return files_.lock_to_read(path);
  }

 private:
  const Watch watch_;
  FileSystem& files_;
};

}  // namespace millrace::log::journal
