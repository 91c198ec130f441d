// What people read: the words of messages and the loggers that carry them.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "millrace/detail/text.h"
#include "millrace/logging.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using detail::edit_distance;
using detail::human_bytes;
using detail::human_count;
using detail::human_duration;
using detail::human_timestamp;
using detail::log_line;
using detail::nearest_name;

TEST(Text, JoinsAnythingThatIsText) {
  // Between the parts only.
  EXPECT_EQ(detail::join(std::vector<std::string>{"a", "b", "c"}, ", "), "a, b, c");
  EXPECT_EQ(detail::join(std::vector<std::string_view>{"a"}, ", "), "a");
  EXPECT_EQ(detail::join(std::vector<const char*>{}, ", "), "");
}

TEST(Text, CountsHaveThousands) {
  // Every three digits from the right, sign left alone.
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(1000), "1,000");
  EXPECT_EQ(human_count(1234567), "1,234,567");
  EXPECT_EQ(human_count(-123456), "-123,456");
  EXPECT_EQ(human_count(std::numeric_limits<std::int64_t>::min()), "-9,223,372,036,854,775,808");
}

TEST(Text, SizesHaveBinaryUnits) {
  // Never rounded up to the next unit.
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes(1024 * 1024 - 1), "1023.9 KiB");
  EXPECT_EQ(human_bytes(std::uint64_t{3} << 30), "3.0 GiB");
  EXPECT_EQ(human_bytes(std::numeric_limits<std::uint64_t>::max()), "16777215.9 TiB");
}

TEST(Text, DurationsHaveTheUnitsOfTheirSize) {
  // Two units at most.
  EXPECT_EQ(human_duration(0ms), "0 ms");
  EXPECT_EQ(human_duration(250ms), "250 ms");
  EXPECT_EQ(human_duration(1500ms), "1.5 s");
  EXPECT_EQ(human_duration(125s), "2 min 5 s");
  EXPECT_EQ(human_duration(1h), "1 h");
  EXPECT_EQ(human_duration(200min), "3 h 20 min");
  EXPECT_EQ(human_duration(97h), "4 d 1 h");
  EXPECT_EQ(human_duration(-1500ms), "-1.5 s");
  EXPECT_FALSE(human_duration(Duration::min()).empty());
}

TEST(Text, TimestampsAreUtc) {
  // Any timestamp that a record may carry is printable, damaged ones too.
  EXPECT_EQ(human_timestamp(from_ms(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(human_timestamp(from_ms(1'769'862'600'250)), "2026-01-31T12:30:00.250Z");
  EXPECT_EQ(human_timestamp(from_ms(951'782'400'007)), "2000-02-29T00:00:00.007Z");
  EXPECT_EQ(human_timestamp(kNoTimestamp), "1969-12-31T23:59:59.999Z");
  EXPECT_FALSE(human_timestamp(Timestamp::max()).empty());
  EXPECT_FALSE(human_timestamp(Timestamp::min()).empty());
}

TEST(Text, DistanceCountsSlipsOfTheHand) {
  // One letter added, dropped, changed or swapped is one; case and kind of separator are none.
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("abc", ""), 3);
  EXPECT_EQ(edit_distance("grup.id", "group.id"), 1);
  EXPECT_EQ(edit_distance("gorup.id", "group.id"), 1);
  EXPECT_EQ(edit_distance("Group_ID", "group.id"), 0);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
}

TEST(Text, NearestNameIsTheOneThatWasMeantOrNone) {
  // A suggestion is made only where it is likely.
  const std::vector<std::string> names = {"group.id", "group.instance.id", "acks", "linger.ms"};
  EXPECT_EQ(nearest_name("grup.id", names), "group.id");
  EXPECT_EQ(nearest_name("lingerMs", names), "linger.ms");
  EXPECT_EQ(nearest_name("ack", names), "acks");
  EXPECT_EQ(nearest_name("compression.type", names), std::nullopt);
  EXPECT_EQ(nearest_name("", names), std::nullopt);
}

TEST(Logging, LinesCannotBeForged) {
  // A name from outside cannot start a line of its own nor steer a terminal.
  EXPECT_EQ(log_line(from_ms(0), LogLevel::kWarning, "task 1_0 backs off"),
            "1970-01-01T00:00:00.000Z WARNING task 1_0 backs off\n");
  EXPECT_EQ(log_line(from_ms(0), LogLevel::kInfo, "two:\none\x1b[2J\r\ttwo\x7f\n"),
            "1970-01-01T00:00:00.000Z INFO two:\n    one?[2J??two?\n");
  EXPECT_EQ(log_line(from_ms(0), LogLevel::kError, "Zürich"),
            "1970-01-01T00:00:00.000Z ERROR Zürich\n");
}

std::vector<std::string> lines_of(std::FILE* file) {
  std::rewind(file);
  std::string text;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

TEST(Logging, LeavesOutWhatIsBelowItsLevel) {
  // The default says nothing of kDebug; null_logger() says nothing at all.
  const std::unique_ptr<std::FILE, Close> file(std::tmpfile());
  ASSERT_NE(file, nullptr);
  FileLogger logger(file.get());
  logger.debug("no");
  logger.info("yes");
  logger.warning("yes");
  logger.error("yes");
  EXPECT_EQ(lines_of(file.get()).size(), 3u);
  null_logger().error("no");
  stderr_logger().debug("no");
}

TEST(Logging, LinesOfSeveralThreadsDoNotMix) {
  // Every line arrives whole.
  const std::unique_ptr<std::FILE, Close> file(std::tmpfile());
  ASSERT_NE(file, nullptr);
  FileLogger logger(file.get());
  std::vector<std::jthread> threads;
  for (const char letter : {'a', 'b', 'c', 'd'}) {
    threads.emplace_back([&logger, letter] {
      for (int i = 0; i < 500; ++i) logger.info(std::string(200, letter));
    });
  }
  threads.clear();
  const auto lines = lines_of(file.get());
  EXPECT_EQ(lines.size(), 2000u);
  for (const std::string& line : lines) {
    ASSERT_GE(line.size(), 200u);
    const std::string message = line.substr(line.size() - 200);
    ASSERT_EQ(message, std::string(200, message[0]));
  }
}

}  // namespace
}  // namespace millrace
