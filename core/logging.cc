#include "millrace/logging.h"

#include "millrace/clock.h"
#include "millrace/detail/text.h"

namespace millrace {

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarning:
      return "WARNING";
    case LogLevel::kError:
      return "ERROR";
  }
  return "?";
}

namespace detail {

std::string log_line(Timestamp now, LogLevel level, std::string_view message) {
  std::string line = human_timestamp(now);
  line += ' ';
  line += to_string(level);
  line += ' ';
  while (message.ends_with('\n')) message.remove_suffix(1);
  for (const char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      line += "\n    ";
    } else {
      line += byte < 0x20 || byte == 0x7f ? '?' : c;
    }
  }
  line += '\n';
  return line;
}

}  // namespace detail

void FileLogger::write(LogLevel level, std::string_view message) {
  if (level < least_) return;
  const std::string line = detail::log_line(SystemClock::instance().now(), level, message);
  // One call a line: stdio locks the file for its length, so lines of several threads do not mix.
  std::fwrite(line.data(), 1, line.size(), file_);
  std::fflush(file_);
}

Logger& stderr_logger() {
  // Never destroyed, nor the one below: threads may write while the program ends.
  static FileLogger& logger = *new FileLogger(stderr);
  return logger;
}

Logger& null_logger() {
  class NullLogger final : public Logger {
   public:
    void write(LogLevel, std::string_view) override {}
  };
  static NullLogger& logger = *new NullLogger();
  return logger;
}

}  // namespace millrace
