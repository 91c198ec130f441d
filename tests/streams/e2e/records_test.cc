// Records and topics at the edge of what there is: times of the far future, empty keys and values, values
// of many megabytes, names and numbers of partitions that no topic has.
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "streams/e2e/application.h"

namespace millrace::e2e {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const Topic<Text, Text> kIn("in");
const Topic<Text, Text> kOut("out");
const Topic<Text, Text> kLetters("letters");
constexpr std::int64_t kLatest = std::numeric_limits<std::int64_t>::max();

Text as_text(Number n) { return std::to_string(n); }

class Records : public Application {
 protected:
  void SetUp() override {
    log_ = open_log();
    for (const char* topic : {"in", "out", "letters"}) log_->create_topic(topic, 1);
  }
  void put(const Text& key, const Text& value, Timestamp at) {
    EmbeddedWriter in(*log_, kIn);
    in.append(key, value, at);
    in.commit();
  }
  // Effect: runs until so many records have come out; closes in order. "key=value@ms", all of them.
  std::vector<Text> run(const Topology& topology, std::size_t count, ErrorHandling errors = {}) {
    StreamsConfig wanted = config(*log_);
    wanted.errors = std::move(errors);
    Streams app(topology, wanted);
    app.start();
    EmbeddedReader out(*log_, kOut);
    await(out, count);
    EXPECT_TRUE(app.close(kPatience)) << heard_.all();
    std::vector<Text> all;
    for (const auto& record : read_all(*log_, kOut)) {
      all.push_back(record.key + '=' + record.value + '@' +
                    std::to_string(to_ms(record.timestamp)));
    }
    return all;
  }

  std::unique_ptr<EmbeddedLog> log_;
};

Topology counting() {
  StreamsBuilder builder;
  builder.stream(kIn)
      .group_by_key()
      .count("counts")
      .to_stream()
      .drop_tombstones()
      .map_values(as_text)
      .to(kOut);
  return builder.build();
}

Topology windows() {
  StreamsBuilder builder;
  builder.stream(kIn)
      .group_by_key()
      .windowed_by(TimeWindows{.size = 10ms, .grace = 5ms})
      .count("windows")
      .to_stream()
      .drop_tombstones()
      .map([](const Windowed<Text>& window, Number n) {
        return KeyValue{window.key + '@' + std::to_string(to_ms(window.window.start)), as_text(n)};
      })
      .to(kOut);
  return builder.build();
}

// --- time ------------------------------------------------------------------------------------------

TEST_F(Records, OfTheEndOfTimeAreCountedLikeOthersAndComeBackAfterARestart) {
  for (const std::int64_t at : {kLatest - 1, kLatest}) put("k", "v", from_ms(at));
  EXPECT_THAT(run(counting(), 2),
              ElementsAre("k=1@" + std::to_string(kLatest - 1), "k=2@" + std::to_string(kLatest)));
  put("k", "v", from_ms(0));
  // The time of a count is that of its latest record.
  EXPECT_EQ(run(counting(), 3).back(), "k=3@" + std::to_string(kLatest));
}

// It makes those late that come with today's time, as it does in Kafka Streams; no other harm is done.
TEST_F(Records, OfAYearAheadMakeTheOthersOfTheirPartitionLate) {
  constexpr std::int64_t kToday = 1'700'000'000'000;
  constexpr std::int64_t kYear = 31'536'000'000;
  put("k", "v", from_ms(kToday));
  put("k", "v", from_ms(kToday + kYear));
  put("k", "v", from_ms(kToday));
  put("k", "v", from_ms(kToday + kYear));
  const auto out = run(windows(), 3);
  const std::string ahead = "k@" + std::to_string(kToday + kYear);
  EXPECT_THAT(out, ElementsAre("k@" + std::to_string(kToday) + "=1@" + std::to_string(kToday),
                               ahead + "=1@" + std::to_string(kToday + kYear),
                               ahead + "=2@" + std::to_string(kToday + kYear)));
}

TEST_F(Records, WindowsAtTheEndOfTimeDoNotPassIt) {
  put("k", "v", from_ms(kLatest - 100));
  put("k", "v", from_ms(kLatest - 100));
  const auto out = run(windows(), 2);
  EXPECT_THAT(out.back(), HasSubstr("=2@" + std::to_string(kLatest - 100)));
}

TEST_F(Records, OfANegativeTimeAreDroppedAndCounted) {
  StreamsBuilder builder;
  builder
      .stream(kIn, {.timestamp =
                        [](const Text&, const Text& value, const RecordContext& context) {
                          return value == "before 1970" ? from_ms(-1) : context.timestamp;
                        }})
      .to(kOut);
  put("a", "before 1970", from_ms(5));
  put("b", "later", from_ms(6));
  StreamsConfig wanted = config(*log_);
  Streams app(builder.build(), wanted);
  app.start();
  EmbeddedReader out(*log_, kOut);
  await(out, 1);
  EXPECT_TRUE(app.close(kPatience));
  EXPECT_EQ(read_all(*log_, kOut).at(0).key, "b");
  std::int64_t dropped = 0;
  for (const auto& [reason, n] : app.progress().dropped) {
    EXPECT_THAT(reason, HasSubstr("negative_timestamp"));
    dropped += n;
  }
  EXPECT_EQ(dropped, 1);
}

TEST_F(Records, OfANegativeTimeAreLeftOutWhereTheyAreWritten) {
  EmbeddedWriter in(*log_, kIn);
  in.append("k", "before", from_ms(1));
  for (const std::int64_t at : {std::int64_t{-1}, std::numeric_limits<std::int64_t>::min()}) {
    try {
      in.append("k", "v", from_ms(at));
      ADD_FAILURE() << at;
    } catch (const TopicError& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr("topic in"), HasSubstr(std::to_string(at))));
    }
  }
  in.append("k", "after", from_ms(2));
  in.commit();
  EXPECT_THAT(run(counting(), 2), ElementsAre("k=1@1", "k=2@2"));
}

// --- size ------------------------------------------------------------------------------------------

TEST_F(Records, EmptyKeysAndValuesAreKeysAndValues) {
  StreamsBuilder builder;
  const auto in = builder.stream(kIn);
  in.group_by_key()
      .aggregate("all-values", Text(),
                 [](const Text& value, const Text& all) { return all + '[' + value + ']'; })
      .to_stream()
      .drop_tombstones()
      .to(kOut);
  const Topology topology = builder.build();
  put("", "", from_ms(1));
  put("", "v", from_ms(2));
  put(Text("\0", 1), "", from_ms(3));
  EXPECT_THAT(run(topology, 3), ElementsAre("=[]@1", "=[][v]@2", Text("\0=[]@3", 6)));
  put("", "", from_ms(4));
  EXPECT_EQ(run(topology, 4).back(), "=[][v][]@4") << "they are in the store on disk";
}

TEST_F(Records, AValueThatItsTopicTakesIsKeptHoweverLong) {
  log_->create_topic("large", 1, {{"max.message.bytes", "20000000"}});
  log_->create_topic("large-out", 1, {{"max.message.bytes", "20000000"}});
  const Topic<Text, Text> large("large");
  const Topic<Text, Text> large_out("large-out");
  const Text value(10'000'000, 'x');
  EmbeddedWriter in(*log_, large);
  in.append("k", value, from_ms(1));
  in.commit();
  StreamsBuilder builder;
  builder.stream(large).to(large_out);
  Streams app(builder.build(), config(*log_));
  app.start();
  EmbeddedReader out(*log_, large_out);
  const auto record = out.read(kPatience);
  ASSERT_TRUE(record);
  EXPECT_TRUE(record->value == value);
  EXPECT_TRUE(app.close(kPatience));
}

TEST_F(Records, AValueThatItsTopicDoesNotTakeIsRefusedWhereItIsWritten) {
  EmbeddedWriter in(*log_, kIn);
  in.append("k", "small", from_ms(1));
  std::string refusal;
  try {
    in.append("k", Text(10'000'000, 'x'), from_ms(2));
    in.commit();
  } catch (const TopicError& error) {
    refusal = error.what();
  }
  EXPECT_THAT(refusal, AllOf(HasSubstr("in"), HasSubstr("max.message.bytes")));
  EXPECT_TRUE(read_all(*log_, kIn).empty()) << "nothing of its transaction is visible";
}

// The sink's topic or the store's changelog: the record that made it is to blame, and nothing of it stays.
TEST_F(Records, AResultThatIsTooLargeIsSetAsideWithoutATrace) {
  const auto grown = [](const Text& value) {
    return value == "large" ? Text(10'000'000, 'x') : value;
  };
  StreamsBuilder to_sink;
  to_sink.stream(kIn).map_values(grown).to(kOut);
  StreamsBuilder to_changelog;
  to_changelog.stream(kIn)
      .group_by_key()
      .aggregate("last", Text(), [grown](const Text& value, const Text&) { return grown(value); })
      .to_stream()
      .drop_tombstones()
      .map_values([](const Text& value) { return as_text(static_cast<Number>(value.size())); })
      .to(kOut);
  const ErrorHandling errors{.production = ErrorAction::kDeadLetter,
                             .dead_letter_topic = "letters"};
  put("k", "abc", from_ms(1));
  put("k", "large", from_ms(2));
  put("k", "abcdef", from_ms(3));
  EXPECT_THAT(run(to_sink.build(), 2, errors), ElementsAre("k=abc@1", "k=abcdef@3"));
  // A key of its own: a store writes what a key has at a commit, and nothing of what it had before.
  put("another", "large", from_ms(4));
  put("k", "abc", from_ms(5));
  EXPECT_THAT(run(to_changelog.build(), 3, errors), ElementsAre("k=abc@1", "k=abcdef@3", "k=3@5"));
  const auto letters = read_all(*log_, kLetters);
  ASSERT_EQ(letters.size(), 2u);
  for (const auto& letter : letters) EXPECT_EQ(letter.value, "large");
}

// --- topics ----------------------------------------------------------------------------------------

TEST_F(Records, TopicsThatCannotBeAreRefusedWithTheirName) {
  const auto refusal = [&](const std::string& name, std::int32_t partitions) -> std::string {
    try {
      log_->create_topic(name, partitions);
    } catch (const TopicError& error) {
      return error.what();
    }
    return "";
  };
  for (const std::string& name : {Text(), Text("."), Text(".."), Text("a/b"), Text("a b"),
                                  Text("größe"), Text("new\nline"), Text(250, 'n')}) {
    EXPECT_NE(refusal(name, 1), "") << name;
  }
  for (const std::int32_t partitions : {0, -1, std::numeric_limits<std::int32_t>::min(),
                                        std::numeric_limits<std::int32_t>::max()}) {
    EXPECT_THAT(refusal("fine", partitions), HasSubstr("fine")) << partitions;
  }
  EXPECT_EQ(log_->partitions("fine"), std::nullopt);
  EXPECT_EQ(refusal(Text(249, 'n'), 1), "");
}

}  // namespace
}  // namespace millrace::e2e
