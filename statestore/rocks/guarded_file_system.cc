#include "rocks/guarded_file_system.h"

#include <sys/stat.h>

#include <utility>

namespace millrace::state::rocks {

namespace {

// The directories are closed to others already; this holds where somebody opens them up.
rocksdb::IOStatus made_private(rocksdb::IOStatus made, const std::string& file) {
  if (made.ok()) ::chmod(file.c_str(), 0600);
  return made;
}

class GuardedFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  GuardedFile(std::unique_ptr<rocksdb::FSRandomAccessFile> file, std::string name,
              std::shared_ptr<ReadErrors> errors)
      : FSRandomAccessFileOwnerWrapper(std::move(file)),
        name_(std::move(name)),
        errors_(std::move(errors)) {}

  rocksdb::IOStatus Read(std::uint64_t offset, std::size_t size, const rocksdb::IOOptions& options,
                         rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext* dbg) const override {
    return noted(FSRandomAccessFileOwnerWrapper::Read(offset, size, options, result, scratch, dbg));
  }

  rocksdb::IOStatus MultiRead(rocksdb::FSReadRequest* requests, std::size_t count,
                              const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* dbg) override {
    const rocksdb::IOStatus all =
        noted(FSRandomAccessFileOwnerWrapper::MultiRead(requests, count, options, dbg));
    for (std::size_t i = 0; all.ok() && i < count; ++i) noted(requests[i].status);
    return all;
  }

 private:
  rocksdb::IOStatus noted(rocksdb::IOStatus status) const {
    if (!status.ok()) errors_->note(name_, status);
    return status;
  }

  const std::string name_;
  const std::shared_ptr<ReadErrors> errors_;
};

}  // namespace

std::string ReadErrors::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

void ReadErrors::note(const std::string& file, const rocksdb::IOStatus& status) {
  {
    const std::lock_guard lock(mutex_);
    last_ = file + ": " + status.ToString();
  }
  count_.fetch_add(1, std::memory_order_release);
}

rocksdb::IOStatus GuardedFileSystem::NewWritableFile(
    const std::string& file, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* result, rocksdb::IODebugContext* dbg) {
  return made_private(FileSystemWrapper::NewWritableFile(file, options, result, dbg), file);
}

rocksdb::IOStatus GuardedFileSystem::ReuseWritableFile(
    const std::string& file, const std::string& old, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* result, rocksdb::IODebugContext* dbg) {
  return made_private(FileSystemWrapper::ReuseWritableFile(file, old, options, result, dbg), file);
}

rocksdb::IOStatus GuardedFileSystem::NewRandomAccessFile(
    const std::string& file, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* result, rocksdb::IODebugContext* dbg) {
  rocksdb::IOStatus opened = FileSystemWrapper::NewRandomAccessFile(file, options, result, dbg);
  if (opened.ok()) *result = std::make_unique<GuardedFile>(std::move(*result), file, errors_);
  return opened;
}

rocksdb::IOStatus GuardedFileSystem::LockFile(const std::string& file,
                                              const rocksdb::IOOptions& options,
                                              rocksdb::FileLock** lock,
                                              rocksdb::IODebugContext* dbg) {
  return made_private(FileSystemWrapper::LockFile(file, options, lock, dbg), file);
}

}  // namespace millrace::state::rocks
