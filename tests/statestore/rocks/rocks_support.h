// What the tests of stores on disk share: a directory that goes away, a host in it, and waiting for
// its background threads without sleeping.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "millrace/detail/rocks_disk_host.h"

namespace millrace::state {

// In memory where there is such a file system: nothing here asks what a power cut would leave, and
// waiting for a disk would be most of the time.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const std::filesystem::path memory = "/dev/shm";
    const bool in_memory = ::access(memory.c_str(), W_OK) == 0;
    std::string name =
        ((in_memory ? memory : std::filesystem::temp_directory_path()) / "millrace-XXXXXX")
            .string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Keeps what was logged. Thread-safe.
class LoggedLines final : public Logger {
 public:
  void write(LogLevel level, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::string(to_string(level)) + ' ' + std::string(message));
  }
  std::string all() const {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const std::string& line : lines_) text += line + '\n';
    return text;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

// Wakes who waits for something to come true.
class Waker {
 public:
  std::function<void()> callback() {
    return [this] {
      const std::lock_guard lock(mutex_);
      woken_.notify_all();
    };
  }
  // Effect: waits until `what` holds, asked again at each wake. Fails the test after a minute.
  void wait(const std::function<bool()>& what) {
    std::unique_lock lock(mutex_);
    if (!woken_.wait_for(lock, std::chrono::minutes(1), what))
      throw std::runtime_error("waited a minute in vain");
  }

 private:
  std::mutex mutex_;
  std::condition_variable woken_;
};

inline StoreIdentity identity(std::string store, std::string retention = "60000") {
  return {std::move(store),
          {{"kind", "timestamped-window"}, {"retention.ms", std::move(retention)}}};
}

// A host with one task open, as a worker would have it.
class OpenHost {
 public:
  explicit OpenHost(RocksHostOptions options,
                    std::vector<StoreIdentity> stores = {identity("counts")}) {
    auto opened = RocksDiskHost::open(std::move(options));
    if (!opened.ok()) throw std::runtime_error(opened.status().message());
    host_ = std::move(opened.value());
    open(std::move(stores));
  }

  // Effect: opens and waits until that is decided.
  TaskDisk& open(std::vector<StoreIdentity> stores, std::string directory = "orders-3") {
    task_ = host_->open_task({std::move(directory), std::move(stores)}, waker_.callback());
    waker_.wait([this] { return task_->state() != TaskDisk::State::kOpening; });
    return *task_;
  }
  DiskTable& table(std::string_view store = "counts") {
    if (task_->state() != TaskDisk::State::kOpen) throw std::runtime_error(task_->failure());
    return task_->table(store);
  }
  void apply(CommitBatch batch) { apply(table(), std::move(batch)); }
  void apply(DiskTable& table, CommitBatch batch) {
    const BatchNumber number = table.submit(std::move(batch));
    table.hurry();
    waker_.wait([&] { return table.applied() >= number; });
  }
  void wait(const std::function<bool()>& what) { waker_.wait(what); }
  TaskDisk& task() { return *task_; }
  RocksDiskHost& host() { return *host_; }

  void close_task() { task_.reset(); }
  // Effect: as a crash.
  void crash() {
    host_->abandon();
    task_.reset();
    host_.reset();
  }

 private:
  Waker waker_;
  std::unique_ptr<RocksDiskHost> host_;
  std::unique_ptr<TaskDisk> task_;
};

struct StoredValue {
  Bytes value;
  std::int64_t timestamp;
  friend bool operator==(const StoredValue&, const StoredValue&) = default;
};
using Contents = std::map<Bytes, StoredValue>;

inline std::vector<std::pair<Bytes, StoredValue>> read_all(DiskTable& table,
                                                           OptionalBytesView from = std::nullopt,
                                                           OptionalBytesView to = std::nullopt,
                                                           ScanOrder order = ScanOrder::kForward) {
  std::vector<std::pair<Bytes, StoredValue>> entries;
  for (const auto scan = table.scan(from, to, order); scan->valid(); scan->next()) {
    entries.emplace_back(scan->key(), StoredValue{Bytes(scan->value()), to_ms(scan->timestamp())});
  }
  return entries;
}

inline Contents contents(DiskTable& table) {
  const auto entries = read_all(table);
  return Contents(entries.begin(), entries.end());
}

inline CommitBatch one_put(BytesView key, BytesView value, std::int64_t timestamp, Offset last) {
  CommitBatch batch;
  batch.put(key, value, from_ms(timestamp));
  batch.covers(last, from_ms(timestamp));
  return batch;
}

}  // namespace millrace::state
