// Bad input, and no handler: the task backs off with one message that says where, nothing that the
// record did is visible, and nothing is skipped.
#include <gmock/gmock.h>

#include <stdexcept>

#include "streams/worker/bench.h"

namespace millrace::worker {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class WorkerInput : public Bench {
 protected:
  WorkerInput() { create_topics(); }

  void put_raw(OptionalBytesView key, OptionalBytesView value, std::int64_t at) {
    const auto put =
        log.append("in", Partition(0), {.key = key, .value = value, .timestamp = from_ms(at)});
    ASSERT_TRUE(put.ok()) << put.status().message();
  }
  std::string backs_off_with(const Topology& topology) {
    Worker& worker = start(topology, options());
    const std::string failure = backs_off(worker);
    EXPECT_NE(logger.text.find(failure), std::string::npos) << "it is said to the log, too";
    return failure;
  }
};

constexpr std::string_view kSeven{"\0\0\0\0\0\0\0\7", 8};

TEST_F(WorkerInput, AThrowingFunctionAbortsAndItsTaskBacksOff) {
  put("a");
  put("b");
  put("bad");
  put("c");
  const auto f = [](const std::string&, const std::string& value) {
    if (value == "bad") throw std::runtime_error("cannot stand it");
  };
  EXPECT_THAT(backs_off_with(checking(f)),
              AllOf(HasSubstr("task 0_0"), HasSubstr("in-0@2"), HasSubstr("node check"),
                    HasSubstr("cannot stand it"), HasSubstr("read again")));
  EXPECT_EQ(values(), "");
  EXPECT_EQ(committed().offset, kNoOffset);
  EXPECT_EQ(log.last_stable_offset("out", Partition(0)), log.end_offset("out", Partition(0)))
      << "the transaction was ended";

  // Mended and started again, it goes on where it was.
  kill(*workers[0]);
  start(copying(), options());
  settle();
  EXPECT_EQ(values(), "a b bad c");
}

TEST_F(WorkerInput, WhatWasCommittedBeforeStays) {
  const auto f = [](const std::string&, const std::string& value) {
    if (value == "bad") throw 42;
  };
  put("a");
  Worker& worker = start(checking(f), options());
  settle();
  put("b");
  put("bad");
  EXPECT_THAT(backs_off(worker), AllOf(HasSubstr("in-0@2"), HasSubstr("node check"),
                                       HasSubstr("not a std::exception")));
  EXPECT_EQ(values(), "a");
  EXPECT_EQ(committed().offset, Offset(1));
}

TEST_F(WorkerInput, WhatOtherTasksDidIsNotVisibleEither) {
  create("in", 1);
  put("a", "k", 0);
  put("bad", "k", 0);
  const auto f = [](const std::string&, const std::string& value) {
    if (value == "bad") throw std::runtime_error("no");
  };
  WorkerOptions wanted = options();
  wanted.max_records_per_step = 1;  // the first record is handed over before the second fails
  Worker& worker = start(checking(f), wanted);
  backs_off(worker);
  EXPECT_EQ(values("out", 0, Isolation::kReadUncommitted), "a");
  EXPECT_EQ(values(), "");
}

TEST_F(WorkerInput, ANegativeTimestamp) {
  put_raw("k", "a", -1);
  EXPECT_THAT(backs_off_with(copying()), AllOf(HasSubstr("in-0@0"), HasSubstr("no time")));
  EXPECT_EQ(committed().offset, kNoOffset);
}

TEST_F(WorkerInput, AnUnreadableRecord) {
  put_raw("k", kSeven, 1);
  put_raw("k", "short", 1);
  EXPECT_THAT(backs_off_with(strict()), AllOf(HasSubstr("in-0@1"), HasSubstr("8")));
  EXPECT_EQ(values(), "");
}

TEST_F(WorkerInput, ANullKeyWhereNoneMayBe) {
  put_raw(std::nullopt, kSeven, 1);
  EXPECT_THAT(backs_off_with(strict()), AllOf(HasSubstr("in-0@0"), HasSubstr("null key")));
}

TEST_F(WorkerInput, ANullValueWhereNoneMayBe) {
  put_raw("k", std::nullopt, 1);
  EXPECT_THAT(backs_off_with(strict()), AllOf(HasSubstr("in-0@0"), HasSubstr("null value")));
}

TEST_F(WorkerInput, ARecordThatIsBadBehindADroppedOneIsNamed) {
  create("rows");
  put_raw(std::nullopt, "dropped", 1);
  put_raw("k", "bad", -5);
  EXPECT_THAT(backs_off_with(joining()), AllOf(HasSubstr("in-0@1"), HasSubstr("no time")));
}

TEST_F(WorkerInput, AFailedTaskRunsAgainAfterAPauseThatGrows) {
  std::vector<std::int64_t> calls;
  put("bad");
  const auto f = [&](const std::string&, const std::string&) {
    calls.push_back(clock.monotonic().count());
    throw std::runtime_error("no");
  };
  WorkerOptions wanted = options();
  wanted.errors.task_timeout = Duration(10'000);
  start(checking(f), wanted);
  run_until([&] { return calls.size() == 7; });
  std::vector<std::int64_t> pauses;
  for (std::size_t i = 1; i < calls.size(); ++i) pauses.push_back(calls[i] - calls[i - 1]);
  EXPECT_THAT(pauses, testing::ElementsAre(1'000, 2'000, 4'000, 8'000, 10'000, 10'000));
}

}  // namespace
}  // namespace millrace::worker
