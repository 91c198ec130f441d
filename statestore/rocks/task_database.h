// One task's RocksDB: opened and checked, one column family per store. What lies in the families is
// table_format.h's.
//
// In the task's directory:   db/       RocksDB's files
//                            ingest/   files on their way into it
//                            in-use    there while it is open: found at an opening, it tells of a crash,
//                                      or that a read met damage
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/listener.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "millrace/detail/disk_host.h"
#include "millrace/logging.h"
#include "millrace/result.h"
#include "rocks/rocks_options.h"
#include "rocks/table_format.h"

namespace millrace::state::rocks {

// What RocksDB's own threads met: a write buffer that could not be flushed is heard of here first.
// Thread-safety: any thread.
class BackgroundErrors final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;
  void OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) override;
  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo& info) override;

  rocksdb::Status now() const;
  bool well() const;
  // Whether there was one since the opening, mended or not.
  bool any() const;
  void clear();
  // Effect: waits until `flushed` holds, asked again after each flush. Returns whether it does.
  bool wait_flushed(const std::function<bool()>& flushed);
  // Effect: `noticed` is called at each one, on whatever thread, until the database is closed.
  void tell(std::function<void()> noticed);

 private:
  mutable std::mutex mutex_;
  std::condition_variable flushed_;
  rocksdb::Status error_;
  bool any_ = false;
  std::function<void()> noticed_;
};

// A store's column family, with what it said when it was opened.
struct Family {
  std::string store;
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  rocksdb::ColumnFamilyOptions options;
  StoredOffset offset;
  std::map<std::string, Bytes, std::less<>> facts;
};

// Thread-safety: as rocksdb::DB; families() is for one writer and one reader that do not meet on
// what is not const.
class TaskDatabase {
 public:
  // Effect: opens or makes it; after a crash reads every file once. May take long. What is damaged is
  // set aside (set_aside.h), which the log says, and the database is new.
  // Errors: kFatal with one message: what differs or cannot be opened now, what was kept, what to do.
  static Result<std::unique_ptr<TaskDatabase>> open(const std::filesystem::path& directory,
                                                    const std::vector<StoreIdentity>& stores,
                                                    const SharedResources& shared, Logger& logger);
  // Effect: what was not flushed is forgotten, as in a crash, unless close() came first.
  ~TaskDatabase();
  TaskDatabase(const TaskDatabase&) = delete;
  TaskDatabase& operator=(const TaskDatabase&) = delete;

  // Effect: flushes, closes, and notes that all is well. Nothing may be called after it.
  // Errors: what could not be flushed; the next opening goes back to what could.
  Status close();

  rocksdb::DB& db() { return *db_; }
  BackgroundErrors& background_errors() { return *background_errors_; }
  const std::filesystem::path& directory() const { return directory_; }
  std::filesystem::path ingest_directory() const { return directory_ / "ingest"; }
  const SharedResources& shared() const { return shared_; }
  // In the order of the spec.
  std::vector<Family>& families() { return families_; }

  // A read of this store failed. Effect: where that is damage, as doubt(). Throws StateError.
  // Thread-safety: any thread, as the two below.
  [[noreturn]] void read_failed(const std::string& store, const rocksdb::Status& status);
  // Effect: the next opening reads every file.
  void doubt() { doubted_.store(true, std::memory_order_relaxed); }
  // True: it is to be closed and opened anew.
  bool doubted() const { return doubted_.load(std::memory_order_relaxed); }

 private:
  TaskDatabase(std::filesystem::path directory, const SharedResources& shared)
      : directory_(std::move(directory)), shared_(shared) {}

  Status open_all(const std::vector<StoreIdentity>& stores, Logger& logger);
  Status open_files(const std::vector<StoreIdentity>& stores, Logger& logger);
  Status check_files(bool after_crash, Logger& logger);
  struct Said;
  Status read(Family& family, Said& said);
  Status take_up(const StoreIdentity& identity, Family& family, Logger& logger);
  rocksdb::Status clear(Family& family);
  Status make(const StoreIdentity& identity, const Family& family);
  rocksdb::Status flush();
  Status damaged(std::string what);
  Status refused(const rocksdb::Status& status);
  Status files_can_be_opened() const;
  Status find_entries(const Family& family, bool& any);

  const std::filesystem::path directory_;
  const SharedResources& shared_;
  const std::shared_ptr<BackgroundErrors> background_errors_ = std::make_shared<BackgroundErrors>();
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;  // all of them, also of stores that are gone
  std::vector<Family> families_;
  std::optional<std::string> damage_;  // why it was not opened, where its files are to blame
  std::atomic<bool> doubted_ = false;
};

}  // namespace millrace::state::rocks
