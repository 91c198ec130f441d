#include "log/journal/logging_thread.h"

namespace millrace::log::journal {

namespace {
constexpr std::size_t kMostWaiting = 1000;
}

LoggingThread::LoggingThread(Logger& logger) : logger_(logger), thread_([this] { run(); }) {}

LoggingThread::~LoggingThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  said_.notify_all();
  thread_.join();
}

void LoggingThread::write(LogLevel level, std::string_view message) noexcept {
  {
    const std::lock_guard lock(mutex_);
    try {
      if (messages_.size() < kMostWaiting) {
        messages_.emplace_back(level, message);
      } else {
        ++dropped_;
      }
    } catch (...) {  // no memory
      ++dropped_;
    }
  }
  said_.notify_one();
}

void LoggingThread::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    said_.wait(lock, [this] { return stopping_ || !messages_.empty() || dropped_ > 0; });
    const auto messages = std::exchange(messages_, {});
    const std::size_t dropped = std::exchange(dropped_, 0);
    if (messages.empty() && dropped == 0) return;
    lock.unlock();
    for (const auto& [level, message] : messages) pass_on(level, message);
    if (dropped > 0) pass_on(LogLevel::kWarning, "messages of the journal were dropped here");
    lock.lock();
  }
}

void LoggingThread::pass_on(LogLevel level, std::string_view message) noexcept {
  try {
    logger_.write(level, message);
  } catch (...) {  // a logger that fails is no reason to stop
  }
}

}  // namespace millrace::log::journal
