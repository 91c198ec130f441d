// A failed record leaves no trace: whatever fails, what is visible is what the run without the
// record shows, and its dead letter is there once.
#include "streams/worker/failures.h"

#include <gmock/gmock.h>

#include <random>

namespace millrace::worker {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

ErrorHandling all(ErrorAction action) {
  return {.deserialization = action,
          .processing = action,
          .production = action,
          .dead_letter_topic = "dead"};
}

std::string header(const log::memory::StoredRecord& record, std::string_view name) {
  const Header* found = record.headers.last(name);
  return found && found->value ? std::string(*found->value) : "(none)";
}

std::vector<Input> with(const std::string& bad) {
  return {{"a", "1", 10}, {"b", "2", 20}, {"a", bad, 90}, {"b", "3", 30}, {"a", "4", 40}};
}
std::vector<Input> without() {
  return {{"a", "1", 10}, {"b", "2", 20}, {"b", "3", 30}, {"a", "4", 40}};
}

struct Fault {
  const char* name;
  std::string value;
  Topology (*topology)();
  std::string dropped;  // the counter of a skip
  std::string node;
  std::string exception;
  std::string message;
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

Topology plain() { return fragile(); }

const std::vector<Fault>& faults() {
  static const std::vector<Fault> all = {
      {"a deserializer", "!read", plain, "numbers/deserialization", "numbers",
       "millrace::SerdeError", "cannot read this"},
      {"a function before the store", "!call", plain, "check/processing", "check",
       "std::domain_error", "cannot call this"},
      {"a function behind the store", "!late", plain, "late/processing", "late",
       "std::runtime_error", "an exception that is not a std::exception"},
      {"a serializer at a sink", "x!write", plain, "sink/production", "sink",
       "millrace::SerdeError", "cannot write this"},
      {"a serializer at a changelog", "x!write", fragile_changelog, "n/production", "n",
       "millrace::SerdeError", "cannot write this"},
  };
  return all;
}

class OneBadRecord : public testing::TestWithParam<Fault> {};
INSTANTIATE_TEST_SUITE_P(EveryPlace, OneBadRecord, testing::ValuesIn(faults()));

TEST_P(OneBadRecord, ThatIsSetAsideLeavesNoTraceAndOneDeadLetter) {
  const Fault& fault = GetParam();
  const Seen clean = run(fault.topology(), without(), {});
  const Seen seen =
      run(fault.topology(), with(fault.value), {.errors = all(ErrorAction::kDeadLetter)});
  EXPECT_EQ(seen.failure, "");
  EXPECT_EQ(seen.outputs, clean.outputs);
  ASSERT_EQ(seen.dead_letters.size(), 1u);
  const auto& letter = seen.dead_letters.front();
  EXPECT_EQ(letter.key, "a");
  EXPECT_EQ(letter.value, fault.value);
  EXPECT_EQ(letter.timestamp, from_ms(90));
  EXPECT_EQ(header(letter, "trace"), "7");
  EXPECT_EQ(header(letter, "__streams.errors.exception"), fault.exception);
  EXPECT_EQ(header(letter, "__streams.errors.message"), fault.message);
  EXPECT_EQ(header(letter, "__streams.errors.topic"), "in");
  EXPECT_EQ(header(letter, "__streams.errors.partition"), "0");
  EXPECT_EQ(header(letter, "__streams.errors.offset"), "2");
  EXPECT_EQ(header(letter, "__errors.node"), fault.node);
  EXPECT_EQ(header(letter, "__errors.task"), "0_0");
  EXPECT_THAT(seen.dropped, ElementsAre(Pair(fault.node + "/dead_letter", 1)));
}

TEST_P(OneBadRecord, ThatIsSkippedLeavesNoTraceButACount) {
  const Fault& fault = GetParam();
  const Seen clean = run(fault.topology(), without(), {});
  const Seen seen = run(fault.topology(), with(fault.value), {.errors = all(ErrorAction::kSkip)});
  EXPECT_EQ(seen.failure, "");
  EXPECT_EQ(seen.outputs, clean.outputs);
  EXPECT_THAT(seen.dead_letters, IsEmpty());
  EXPECT_THAT(seen.dropped, ElementsAre(Pair(fault.dropped, 1)));
}

TEST_P(OneBadRecord, WithoutAHandlerItsTaskBacksOffAndItIsNamed) {
  const Fault& fault = GetParam();
  const Seen seen = run(fault.topology(), with(fault.value), {});
  EXPECT_THAT(seen.failure, AllOf(HasSubstr("task 0_0"), HasSubstr("in-0@2"),
                                  HasSubstr("node " + fault.node), HasSubstr(fault.message)));
  EXPECT_EQ(seen.failure.find(fault.value), std::string::npos) << "no bytes of records";
}

TEST_P(OneBadRecord, IsTriedAgainAsOftenAsAHandlerSays) {
  const Fault& fault = GetParam();
  const Seen clean = run(fault.topology(), without(), {});
  std::vector<int> attempts;
  ErrorHandler handler = [&](const ErrorContext& where, const std::exception&) {
    EXPECT_EQ(where.offset, Offset(2));
    EXPECT_EQ(where.value, fault.value);
    attempts.push_back(where.attempt);
    return where.attempt < 4 ? ErrorAction::kRetry : ErrorAction::kSkip;
  };
  const Seen seen =
      run(fault.topology(), with(fault.value), {.errors = {handler, handler, handler, "dead", {}}});
  EXPECT_EQ(seen.failure, "");
  EXPECT_EQ(seen.outputs, clean.outputs);
  EXPECT_THAT(attempts, ElementsAre(1, 2, 3, 4));
}

TEST_P(OneBadRecord, LeavesNoTraceInAnyTransactionLengthOnAHostileLog) {
  const Fault& fault = GetParam();
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Seen clean = run(fault.topology(), without(), {.records_per_step = 1 + seed % 5});
    const Seen seen = run(fault.topology(), with(fault.value),
                          {.hostile = seed,
                           .errors = all(ErrorAction::kDeadLetter),
                           .records_per_step = 1 + seed % 5,
                           .commit_interval = Duration(1 + static_cast<int>(seed % 3) * 50)});
    ASSERT_EQ(seen.failure, "");
    EXPECT_EQ(seen.outputs.at("out-0"), clean.outputs.at("out-0"));
    EXPECT_EQ(seen.dead_letters.size(), 1u);
  }
}

}  // namespace
}  // namespace millrace::worker
