// Takes what the journal has to say to the program's logger, on a thread of its own: whoever says it may
// hold any lock and never waits, and the logger may wait, throw, or use the log.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "millrace/logging.h"

namespace millrace::log::journal {

// Thread-safe.
class LoggingThread final : public Logger {
 public:
  // Lifetime: the logger outlives it.
  explicit LoggingThread(Logger& logger);
  // Effect: what was said is written, as long as that takes.
  ~LoggingThread() override;
  LoggingThread(const LoggingThread&) = delete;
  LoggingThread& operator=(const LoggingThread&) = delete;

  // Effect: the message is written soon, in its turn. Of many that nobody takes the newest are dropped,
  // and that is said.
  void write(LogLevel level, std::string_view message) noexcept override;

 private:
  void run();
  void pass_on(LogLevel level, std::string_view message) noexcept;

  Logger& logger_;
  std::mutex mutex_;
  std::condition_variable said_;
  std::deque<std::pair<LogLevel, std::string>> messages_;  // guarded by mutex_
  std::size_t dropped_ = 0;                                // guarded by mutex_
  bool stopping_ = false;                                  // guarded by mutex_
  std::thread thread_;
};

}  // namespace millrace::log::journal
