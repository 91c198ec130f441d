// What only the whole graph can know is a mistake that build() names, with file and line, all at
// once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "millrace/dsl.h"
#include "millrace/error.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string mistakes_of(StreamsBuilder& builder) {
  try {
    static_cast<void>(builder.build());
  } catch (const TopologyError& e) {
    return e.what();
  }
  return "";
}

std::string here(int line) { return "stream_mistakes_test.cc:" + std::to_string(line) + ": "; }

const auto kFirstLetter = [](const std::string& value) { return value.substr(0, 1); };

TEST(Mistakes, RecordsThatAreNotInPlace) {
  StreamsBuilder builder;
  const auto moved = builder.stream<std::string, std::string>("in").select_key(kFirstLetter);
  const int line = __LINE__ + 1;
  static_cast<void>(moved.group_by_key());
  EXPECT_THAT(
      mistakes_of(builder),
      HasSubstr(here(line) + "records are not in place: put .repartition(\"a-name\") before it"));
}

TEST(Mistakes, RecordsStayOutOfPlaceUntilTheyAreRepartitioned) {
  StreamsBuilder builder;
  const auto in = builder.stream<std::string, std::string>("in");
  const auto moved = in.map([](const std::string& value) { return KeyValue{value, value}; });
  const auto further = moved.map_values(kFirstLetter).filter(&std::string::size).peek([](auto&) {});
  EXPECT_EQ(further.keys(), detail::Keys::kMoved);
  EXPECT_EQ(in.merge(further).keys(), detail::Keys::kMoved);
  EXPECT_EQ(further.split(&std::string::size)[1].keys(), detail::Keys::kMoved);
  EXPECT_EQ(in.flat_map_values([](const std::string& v) { return std::vector{v}; }).keys(),
            detail::Keys::kInPlace);
  further.repartition("again").group_by_key().count("counts");
  EXPECT_EQ(mistakes_of(builder), "");
}

TEST(Mistakes, NamesUsedTwice) {
  StreamsBuilder builder;
  const auto in = builder.stream<std::string, std::string>("in").group_by_key();
  in.count("counts");
  const int line = __LINE__ + 1;
  in.count("counts");
  EXPECT_THAT(mistakes_of(builder), HasSubstr(here(line)));
}

TEST(Mistakes, WindowsThatMakeNoSense) {
  StreamsBuilder builder;
  const auto in = builder.stream<std::string, std::string>("in").group_by_key();
  const int line = __LINE__;
  in.windowed_by(TimeWindows{.size = 0s, .grace = 0s}).count("a");
  in.windowed_by(TimeWindows{.size = 1h, .advance = 2h, .grace = 0s}).count("b");
  in.windowed_by(TimeWindows{.size = 1h, .advance = 0s, .grace = 0s}).count("c");
  in.windowed_by(TimeWindows{.size = 1h, .grace = -1min}).count("d");
  in.windowed_by(TimeWindows{.size = 1h, .grace = 1h}).count("e", {.retention = 90min});
  EXPECT_THAT(
      mistakes_of(builder),
      AllOf(HasSubstr(here(line + 1) + "a window lasts longer than nothing"),
            HasSubstr(here(line + 2) + "between two windows must be no gap: .advance is 2 h"),
            HasSubstr(here(line + 3) + "between two windows must be no gap: .advance is 0 ms"),
            HasSubstr(here(line + 4) + "a record cannot be late by less than nothing"),
            HasSubstr(here(line + 5) + "a window must be kept until it closes: .retention "
                                       "is 1 h 30 min, but must be at least .size + "
                                       ".grace, 2 h")));
}

TEST(Mistakes, ATopicWithoutPartitions) {
  StreamsBuilder builder;
  const int line = __LINE__ + 1;
  builder.stream<std::string, std::string>("in").repartition("none", {.partitions = 0}).to("out");
  EXPECT_THAT(mistakes_of(builder), HasSubstr(here(line) + "a topic has at least one partition"));
}

TEST(Mistakes, StreamsOfTwoBuilders) {
  StreamsBuilder one;
  StreamsBuilder other;
  const auto stray = other.stream<std::string, std::string>("b");
  const int line = __LINE__ + 1;
  one.stream<std::string, std::string>("a").merge(stray).to("out");
  EXPECT_THAT(mistakes_of(one), HasSubstr(here(line) + "the merged streams are of two builders"));
}

TEST(Mistakes, StreamOfNoTopic) {
  StreamsBuilder builder;
  builder.stream(std::vector<Topic<std::string, std::string>>()).to("out");
  EXPECT_THAT(mistakes_of(builder), HasSubstr("reads no topic: name at least one"));
}

TEST(Mistakes, NamesMadeAtRunTime) {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in").group_by_key().count(runtime("two words"));
  EXPECT_THAT(mistakes_of(builder), HasSubstr("two words"));
}

TEST(Mistakes, AreAllReportedAtOnce) {
  StreamsBuilder builder;
  const auto moved = builder.stream<std::string, std::string>("in").select_key(kFirstLetter);
  const int first = __LINE__ + 1;
  static_cast<void>(moved.group_by_key());
  const int second = __LINE__ + 1;
  static_cast<void>(moved.group_by_key());
  EXPECT_THAT(mistakes_of(builder), AllOf(HasSubstr(here(first)), HasSubstr(here(second))));
}

TEST(Handles, AreFinishedAfterBuild) {
  StreamsBuilder builder;
  const auto in = builder.stream<std::string, std::string>("in");
  in.to("out");
  static_cast<void>(builder.build());
  EXPECT_THROW(in.to("other"), TopologyError);
}

TEST(Names, AreTheWordAndThePlaceUnlessGiven) {
  StreamsBuilder builder;
  const auto in = builder.stream<std::string, std::string>("in", {.name = "lines"});
  in.filter(&std::string::size, {.name = "full"}).to("out", {.name = "all"});
  const int line = __LINE__ + 1;
  in.map_values(kFirstLetter).to("out");
  const auto [a, b] = in.split(Branch{"odd", &std::string::size});
  a.group_by_key().count("odd-ones");
  b.to("rest");
  const std::string place = "@stream_mistakes_test.cc:" + std::to_string(line);
  EXPECT_THAT(
      builder.build().describe(),
      AllOf(HasSubstr("Source: lines "), HasSubstr("Processor: full "), HasSubstr("Sink: all "),
            HasSubstr("map_values" + place), HasSubstr("to" + place), HasSubstr("Processor: odd "),
            HasSubstr("Processor: odd-ones "), Not(HasSubstr("kstream.h"))));
}

}  // namespace
}  // namespace millrace
