// An application as its users have it: Streams over the embedded log, state on disk below a directory of
// its own, and what is heard of it. Public API alone.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "millrace/dsl.h"
#include "millrace/embedded_log.h"
#include "millrace/streams.h"
#include "support/temporary_directory.h"

namespace millrace::e2e {

using namespace std::chrono_literals;

using Text = std::string;
using Number = std::int64_t;

inline constexpr Duration kPatience = 60s;

// What the library said. wait_for() ends with the line, however long it takes to come.
class HeardLines final : public Logger {
 public:
  void write(LogLevel level, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    text_.append(to_string(level)).append(" ").append(message).append("\n");
    changed_.notify_all();
  }
  std::string all() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    text_.clear();
  }
  // Returns all that was said once it holds `part`.
  std::string wait_for(const std::string& part) const {
    std::unique_lock lock(mutex_);
    const bool heard =
        changed_.wait_for(lock, kPatience, [&] { return text_.find(part) != std::string::npos; });
    EXPECT_TRUE(heard) << "never said: " << part << '\n' << text_;
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::string text_;
};

// What was restored, by store, of all partitions together.
class Restores final : public RestoreListener {
 public:
  struct Of {
    std::int64_t records = 0;
    std::int64_t total = 0;  // offsets to pass
    int ended = 0;
  };
  void on_batch(const Restore& restore, std::int64_t records) override {
    const std::lock_guard lock(mutex_);
    of_[restore.store].records += records;
  }
  void on_end(const Restore& restore) override {
    const std::lock_guard lock(mutex_);
    of_[restore.store].total += restore.total;
    ++of_[restore.store].ended;
  }
  Of of(const std::string& store) const {
    const std::lock_guard lock(mutex_);
    const auto found = of_.find(store);
    return found == of_.end() ? Of{} : found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Of> of_;
};

// All committed records of a topic, from its beginning.
template <class K, class V>
std::vector<EmbeddedRecord<K, V>> read_all(EmbeddedLog& log, const Topic<K, V>& topic) {
  EmbeddedReader<K, V> reader(log, topic);
  std::vector<EmbeddedRecord<K, V>> records;
  do {
    while (auto record = reader.read(0ms)) records.push_back(std::move(*record));
    if (auto record = reader.read(1ms)) records.push_back(std::move(*record));
  } while (!reader.at_end());
  return records;
}

class Application : public testing::Test {
 protected:
  std::filesystem::path log_directory() const { return directory_.path() / "log"; }
  std::filesystem::path state_directory() const { return directory_.path() / "state"; }
  const std::filesystem::path& scratch() const { return directory_.path(); }

  std::unique_ptr<EmbeddedLog> open_log() {
    return std::make_unique<EmbeddedLog>(log_directory(), std::map<std::string, std::string>{},
                                         &heard_);
  }

  StreamsConfig config(EmbeddedLog& log) {
    StreamsConfig config;
    config.application_id = "app";
    config.embedded_log = &log;
    config.commit_interval = 20ms;
    config.state_dir = state_directory();
    config.logger = &heard_;
    return config;
  }

  // Effect: waits until so many records have come from the reader's topic; they are dropped.
  template <class K, class V>
  static void await(EmbeddedReader<K, V>& reader, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(reader.read(kPatience)) << i << " of " << count;
    }
  }

  static void wait_for(const Streams& app, Streams::State wanted) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (app.state() != wanted) {
      ASSERT_LT(std::chrono::steady_clock::now(), until)
          << to_string(app.state()) << ' ' << app.failure();
      std::this_thread::yield();
    }
  }

  HeardLines heard_;

 private:
  TemporaryDirectory directory_;
};

}  // namespace millrace::e2e
