// What a topic does not take: too large, stamped too far ahead, not there at all.
#include <gmock/gmock.h>

#include <algorithm>

#include "streams/worker/bench.h"
#include "streams/worker/failures.h"

namespace millrace::worker {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

ErrorHandling set_aside() {
  return {.production = ErrorAction::kDeadLetter, .dead_letter_topic = "dead"};
}

Topology through() {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in").to("out", {.name = "sink"});
  return builder.build();
}

// --- one record --------------------------------------------------------------------------------

TEST(TooLarge, IsSetAsideAndNothingElse) {
  const std::vector<Input> good = {{"a", "1", 1}, {"b", "2", 2}, {"a", "3", 3}};
  std::vector<Input> input = good;
  input.insert(input.begin() + 1, {"a", std::string(500, 'x'), 2});
  const RunOptions options{.errors = set_aside(), .out_config = {{"max.message.bytes", "200"}}};
  const Seen seen = run(through(), input, options);
  EXPECT_EQ(seen.failure, "");
  EXPECT_EQ(seen.outputs, run(through(), good, options).outputs);
  ASSERT_EQ(seen.dead_letters.size(), 1u);
  EXPECT_EQ(seen.dead_letters[0].value, input[1].value);
  EXPECT_THAT(seen.dropped, ElementsAre(Pair("sink/dead_letter", 1)));
}

TEST(TooLarge, WithoutAHandlerIsNamedWithSizeAndLimit) {
  const Seen seen = run(through(), {{"a", std::string(500, 'x'), 2}},
                        {.out_config = {{"max.message.bytes", "200"}}});
  EXPECT_THAT(seen.failure, AllOf(HasSubstr("in-0@0"), HasSubstr("node sink"), HasSubstr("200"),
                                  HasSubstr("max.message.bytes")));
}

// A broker refuses the whole batch and names nobody, so the culprit is searched for.
class TooFarAhead : public testing::TestWithParam<std::uint64_t> {
 protected:
  static constexpr std::int64_t kNow = 1'000'000;
  static constexpr std::int64_t kFar = kNow + 7'200'000;

  static RunOptions options() {
    return {.errors = set_aside(),
            .partitions = 3,
            .out_config = {{"message.timestamp.after.max.ms", "3600000"}},
            .start = from_ms(kNow)};
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, TooFarAhead, testing::Range<std::uint64_t>(0, 20));

TEST_P(TooFarAhead, IsFoundAmongAllTasksAndSetAsideAlone) {
  std::vector<Input> good;
  std::vector<Input> input;
  std::vector<std::string> bad;
  std::uint64_t random = GetParam() * 2'654'435'761u + 1;
  const auto below = [&](std::uint64_t n) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    return (random >> 33) % n;
  };
  for (int i = 0; i < 60; ++i) {
    Input record{"k" + std::to_string(i), std::to_string(i), kNow + i,
                 static_cast<std::int32_t>(below(3))};
    if (below(20) == 0) {
      record.at = kFar;
      bad.push_back(record.value);
    } else {
      good.push_back(record);
    }
    input.push_back(record);
  }
  RunOptions wanted = options();
  if (GetParam() % 2 == 1) wanted.hostile = GetParam();
  // The dead letters keep their time, and their topic takes it.
  const Seen seen = run(through(), input, wanted);
  ASSERT_EQ(seen.failure, "");
  const auto sorted = [](const Seen& all) {
    std::vector<std::string> lines;
    for (const auto& [where, records] : all.outputs) {
      lines.insert(lines.end(), records.begin(), records.end());
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  };
  EXPECT_EQ(sorted(seen), sorted(run(through(), good, options())));
  std::vector<std::string> letters;
  for (const auto& letter : seen.dead_letters) letters.push_back(letter.value.value_or("null"));
  std::sort(letters.begin(), letters.end());
  std::sort(bad.begin(), bad.end());
  EXPECT_EQ(letters, bad);
}

// Who is to blame for a refusal is not the last one that failed by itself.
TEST_P(TooFarAhead, AmongRecordsThatFailInAFunction) {
  std::vector<Input> good;
  std::vector<Input> input;
  std::vector<std::string> bad;
  std::uint64_t random = GetParam() * 2'654'435'761u + 7;
  const auto below = [&](std::uint64_t n) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    return (random >> 33) % n;
  };
  for (int i = 0; i < 60; ++i) {
    Input record{"k" + std::to_string(i), std::to_string(i), kNow + i};
    const std::uint64_t fault = below(8);
    if (fault == 0) record.at = kFar;
    if (fault == 1) record.value = "!call" + record.value;
    input.push_back(record);
    if (fault > 1) {
      good.push_back(record);
    } else {
      bad.push_back(record.value);
    }
  }
  RunOptions wanted = options();
  wanted.partitions = 1;
  wanted.errors.processing = ErrorAction::kDeadLetter;
  wanted.records_per_step = 1 + GetParam() % 4;
  wanted.commit_interval = Duration(static_cast<int>(1 + GetParam() % 3));
  const Seen clean = run(fragile(), good, wanted);
  const Seen seen = run(fragile(), input, wanted);
  ASSERT_EQ(seen.failure, "");
  EXPECT_EQ(seen.outputs, clean.outputs);
  std::vector<std::string> letters;
  for (const auto& letter : seen.dead_letters) letters.push_back(letter.value.value_or("null"));
  std::sort(letters.begin(), letters.end());
  std::sort(bad.begin(), bad.end());
  EXPECT_EQ(letters, bad);
}

// --- a whole topic -----------------------------------------------------------------------------

class WholeTopic : public Bench {
 protected:
  void drop(const std::string& topic) {
    log::Inbox inbox;
    const auto admin = log.make_admin(inbox);
    admin->submit_delete_topics(log::OperationId(1), {topic});
    log.settle();
  }
};

TEST_F(WholeTopic, ThatIsGoneSuspendsItsWritersAndNobodyElse) {
  create_topics();
  create("in2");
  create("out2");
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in").to("out");
  builder.stream<std::string, std::string>("in2").to("out2");
  int asked = 0;
  WorkerOptions wanted = options();
  wanted.errors.production = [&](const ErrorContext&, const std::exception&) {
    ++asked;
    return ErrorAction::kSkip;
  };
  Worker& worker = start(builder.build(), wanted);
  settle();
  drop("out");
  put("a");
  put("b", "k", 0, 1, "in2");
  EXPECT_THAT(backs_off(worker), AllOf(HasSubstr("task 0_0"), HasSubstr("out")));
  run_until([&] { return values("out2") == "b"; });
  EXPECT_EQ(asked, 0) << "no record is to blame";
  EXPECT_EQ(worker.backing_off().size(), 1u);
  create("out");
  run_until([&] { return values() == "a"; });
  EXPECT_THAT(worker.backing_off(), IsEmpty());
}

TEST_F(WholeTopic, ADeadLetterTopicThatDoesNotExistIsSaidAtTheStart) {
  create_topics();
  WorkerOptions wanted = options();
  wanted.errors.dead_letter_topic = "nowhere";
  Worker& worker = start(through(), wanted);
  EXPECT_THAT(failure_of(worker), AllOf(HasSubstr("nowhere"), HasSubstr("does not exist")));
}

TEST_F(WholeTopic, NullsAsDeadLettersNeedATopic) {
  create_topics();
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in", {.on_null = OnNull::kDeadLetter, .name = "texts"})
      .to("out");
  Worker& worker = start(builder.build(), options());
  EXPECT_THAT(failure_of(worker), AllOf(HasSubstr("texts"), HasSubstr("on_null")));
}

TEST_F(WholeTopic, ADeadLetterTopicThatRefusesALetterSuspendsAndLosesNothing) {
  create_topics();
  log.create_topic({"dead", 1, {{"message.timestamp.after.max.ms", "1000"}}});
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in")
      .peek([](const std::string& value) {
        if (value == "bad") throw std::runtime_error("no");
      })
      .to("out");
  WorkerOptions wanted = options();
  wanted.errors.processing = ErrorAction::kDeadLetter;
  wanted.errors.dead_letter_topic = "dead";
  put("a");
  put("bad", "k", 0, 9'000'000'000);
  put("b");
  Worker& worker = start(builder.build(), wanted);
  EXPECT_THAT(backs_off(worker), AllOf(HasSubstr("task 0_0"), HasSubstr("dead")));
  EXPECT_EQ(values("dead"), "");
  EXPECT_LE(committed().offset, Offset(1)) << "the bad one is not passed without its letter";
}

}  // namespace
}  // namespace millrace::worker
