// A disk that can be full, whose files can refuse to be read, and whose code can throw.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace millrace::state {

class FailingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  FailingFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "failing"; }

  std::atomic<bool> full = false;
  std::atomic<int> refused = 0;
  std::atomic<bool> reads_fail = false;
  std::atomic<bool> opens_fail = false;
  // Files of this beginning cannot be opened to be read from the front. Set before use.
  std::string sequential_opens_fail_of;

  enum Refusal { kOpens, kWrites, kReads };
  void refuse(Refusal what, bool on) {
    (what == kOpens ? opens_fail : what == kWrites ? full : reads_fail) = on;
  }

  // What making a file that is to be ingested throws.
  enum class Thrown { kNothing, kRuntimeError, kBadAlloc };
  std::atomic<Thrown> new_files = Thrown::kNothing;

  rocksdb::IOStatus NewWritableFile(const std::string& file, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* dbg) override {
    if (file.find("/ingest/") != std::string::npos) {
      if (new_files == Thrown::kRuntimeError) throw std::runtime_error("thrown by the file system");
      if (new_files == Thrown::kBadAlloc) throw std::bad_alloc();
    }
    if (full) return no_space();
    const auto made = FileSystemWrapper::NewWritableFile(file, options, result, dbg);
    if (made.ok()) *result = std::make_unique<Written>(std::move(*result), *this);
    return made;
  }
  rocksdb::IOStatus NewRandomAccessFile(const std::string& file,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* dbg) override {
    if (opens_fail) return rocksdb::IOStatus::IOError(file, "too many open files");
    const auto made = FileSystemWrapper::NewRandomAccessFile(file, options, result, dbg);
    if (made.ok()) *result = std::make_unique<Opened>(std::move(*result), *this);
    return made;
  }
  rocksdb::IOStatus NewSequentialFile(const std::string& file, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* dbg) override {
    const std::string name = file.substr(file.rfind('/') + 1);
    if (!sequential_opens_fail_of.empty() && name.starts_with(sequential_opens_fail_of))
      return rocksdb::IOStatus::IOError(file, "too many open files");
    return FileSystemWrapper::NewSequentialFile(file, options, result, dbg);
  }

 private:
  rocksdb::IOStatus no_space() {
    ++refused;
    return rocksdb::IOStatus::NoSpace("no space", "left on device");
  }

  class Written final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    Written(std::unique_ptr<rocksdb::FSWritableFile> file, FailingFileSystem& system)
        : FSWritableFileOwnerWrapper(std::move(file)), system_(system) {}
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* dbg) override {
      if (system_.full) return system_.no_space();
      return FSWritableFileOwnerWrapper::Append(data, options, dbg);
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo& info,
                             rocksdb::IODebugContext* dbg) override {
      if (system_.full) return system_.no_space();
      return FSWritableFileOwnerWrapper::Append(data, options, info, dbg);
    }

   private:
    FailingFileSystem& system_;
  };

  class Opened final : public rocksdb::FSRandomAccessFileOwnerWrapper {
   public:
    Opened(std::unique_ptr<rocksdb::FSRandomAccessFile> file, FailingFileSystem& system)
        : FSRandomAccessFileOwnerWrapper(std::move(file)), system_(system) {}
    rocksdb::IOStatus Read(std::uint64_t offset, std::size_t size,
                           const rocksdb::IOOptions& options, rocksdb::Slice* result, char* scratch,
                           rocksdb::IODebugContext* dbg) const override {
      if (system_.reads_fail && offset == 0) return rocksdb::IOStatus::IOError("bad sector");
      return FSRandomAccessFileOwnerWrapper::Read(offset, size, options, result, scratch, dbg);
    }

   private:
    FailingFileSystem& system_;
  };
};

}  // namespace millrace::state
