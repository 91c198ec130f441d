#include "word_count.h"

#include <gtest/gtest.h>
#include <millrace/test_driver.h>

#include <chrono>

namespace {

using namespace std::chrono_literals;
using millrace::Timestamp;
using Count = millrace::KeyValue<std::string, std::optional<std::int64_t>>;

constexpr millrace::KeyValueStoreName<std::string, std::int64_t> kWordCounts("word-counts");

TEST(WordCount, CountsEveryWord) {
  millrace::TopologyTestDriver driver(word_count_topology());
  auto lines = driver.create_input_topic(kLines);
  auto counts = driver.create_output_topic(kCounts);

  lines.pipe_input({}, "to be or not to be", Timestamp(10ms));

  EXPECT_EQ(
      counts.read_key_values_to_list(),
      (std::vector<Count>{{"to", 1}, {"be", 1}, {"or", 1}, {"not", 1}, {"to", 2}, {"be", 2}}));
  EXPECT_EQ(driver.store(kWordCounts).get("be"), 2);
}

TEST(WordCount, LinesWithoutWordsCountNothing) {
  millrace::TopologyTestDriver driver(word_count_topology());
  auto lines = driver.create_input_topic(kLines);

  lines.pipe_input({}, "", Timestamp(1ms));
  lines.pipe_input({}, " \t ", Timestamp(2ms));

  EXPECT_TRUE(driver.create_output_topic(kCounts).is_empty());
}

TEST(WordCount, GoesOnAfterARestart) {
  millrace::TopologyTestDriver driver(word_count_topology());
  auto lines = driver.create_input_topic(kLines);
  auto counts = driver.create_output_topic(kCounts);

  lines.pipe_input({}, "stream", Timestamp(1ms));
  driver.restart();
  lines.pipe_input({}, "stream", Timestamp(2ms));

  EXPECT_EQ(counts.read_key_values_to_list(), (std::vector<Count>{{"stream", 1}, {"stream", 2}}));
}

}  // namespace
