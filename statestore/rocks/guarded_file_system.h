// The file system below all databases of a process: files are readable by their owner only, and a
// read that fails is remembered. RocksDB before 8.7.0 can end a scan early without a word when a read
// at the beginning of a file fails (fixed in 8.7.0; its HISTORY says so): whoever scans
// looks here, too.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace millrace::state::rocks {

// Thread-safety: any thread.
class ReadErrors {
 public:
  std::uint64_t count() const { return count_.load(std::memory_order_acquire); }
  // What the last one said, with its file.
  std::string last() const;
  void note(const std::string& file, const rocksdb::IOStatus& status);

 private:
  std::atomic<std::uint64_t> count_{0};
  mutable std::mutex mutex_;
  std::string last_;
};

class GuardedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  GuardedFileSystem(const std::shared_ptr<rocksdb::FileSystem>& below,
                    std::shared_ptr<ReadErrors> errors)
      : FileSystemWrapper(below), errors_(std::move(errors)) {}

  const char* Name() const override { return "millrace"; }
  static const char* kClassName() { return "millrace"; }

  rocksdb::IOStatus NewWritableFile(const std::string& file, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* dbg) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& file, const std::string& old,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* result,
                                      rocksdb::IODebugContext* dbg) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& file,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* dbg) override;
  rocksdb::IOStatus LockFile(const std::string& file, const rocksdb::IOOptions& options,
                             rocksdb::FileLock** lock, rocksdb::IODebugContext* dbg) override;

 private:
  const std::shared_ptr<ReadErrors> errors_;
};

}  // namespace millrace::state::rocks
