// Where millrace writes what it has to say to whoever runs it.
//
//   class SyslogLogger final : public Logger {
//    public:
//     void write(LogLevel level, std::string_view message) override { ::syslog(...); }
//   };
//
// A message is text about the work, never bytes of a record: no keys, no values, no header values.
// It holds no line break unless it lists several things.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "millrace/time.h"

namespace millrace {

enum class LogLevel {
  kDebug,    // for whoever works on millrace
  kInfo,     // the normal course: started, assigned, restored, stopped
  kWarning,  // goes on, but somebody should look
  kError,    // something stopped or was given up
};

std::string_view to_string(LogLevel level);

// Thread-safety: write() is called by any thread, also by several at once; so an implementation
// locks for itself. It must not throw and should not wait.
class Logger {
 public:
  virtual ~Logger() = default;
  virtual void write(LogLevel level, std::string_view message) = 0;

  void debug(std::string_view message) { write(LogLevel::kDebug, message); }
  void info(std::string_view message) { write(LogLevel::kInfo, message); }
  void warning(std::string_view message) { write(LogLevel::kWarning, message); }
  void error(std::string_view message) { write(LogLevel::kError, message); }
};

// One line a message, with the time in UTC; messages below `least` are left out.
//
//   2026-01-31T12:30:00.250Z WARNING task 1_0 backs off for 5.0 s
class FileLogger final : public Logger {
 public:
  // Lifetime: the file stays open while the logger is used; the logger does not close it.
  explicit FileLogger(std::FILE* file, LogLevel least = LogLevel::kInfo)
      : file_(file), least_(least) {}
  void write(LogLevel level, std::string_view message) override;

 private:
  std::FILE* file_;
  LogLevel least_;
};

// The default: stderr, from kInfo on. Lives for ever.
Logger& stderr_logger();

// Drops everything. Lives for ever.
Logger& null_logger();

namespace detail {
// The line that FileLogger writes, its line break included. Line breaks inside the message are
// indented and other control characters replaced, so that no name from outside (a topic's, a
// client's) can forge a line or move the cursor of a terminal.
std::string log_line(Timestamp now, LogLevel level, std::string_view message);
}  // namespace detail

}  // namespace millrace
