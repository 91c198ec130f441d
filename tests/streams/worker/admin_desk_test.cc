// How long the desk asks again, and what it says meanwhile.
#include "worker/admin_desk.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace millrace::worker {
namespace {

// Answers questions about committed offsets as the test says; knows no others.
class ScriptedAdmin final : public log::Log {
 public:
  std::unique_ptr<log::LogProducer> make_producer(log::ProducerOptions, log::Inbox&) override {
    none();
  }
  std::unique_ptr<log::LogReader> make_reader(log::ReaderOptions, log::Inbox&) override { none(); }
  std::unique_ptr<log::GroupMembership> make_membership(log::MembershipOptions,
                                                        log::Inbox&) override {
    none();
  }
  std::unique_ptr<log::LogAdmin> make_admin(log::Inbox&) override {
    return std::make_unique<Admin>(*this);
  }

  int asked = 0;
  log::OperationId last;

 private:
  class Admin final : public log::LogAdmin {
   public:
    explicit Admin(ScriptedAdmin& log) : log_(log) {}
    log::Epoch epoch() const override { return log::Epoch(1); }
    void submit_describe_topics(log::OperationId, std::vector<std::string>) override { none(); }
    void submit_create_topics(log::OperationId, std::vector<log::NewTopic>) override { none(); }
    void submit_delete_topics(log::OperationId, std::vector<std::string>) override { none(); }
    void submit_committed_offsets(log::OperationId id, std::string,
                                  std::vector<TopicPartition>) override {
      ++log_.asked;
      log_.last = id;
    }
    void submit_list_offsets(log::OperationId, log::OffsetKind,
                             std::vector<TopicPartition>) override {
      none();
    }
    void submit_delete_records(log::OperationId, std::vector<log::DeleteBelow>) override { none(); }

   private:
    ScriptedAdmin& log_;
  };
  [[noreturn]] static void none() { throw std::logic_error("committed offsets only"); }
};

class CountingLogger final : public Logger {
 public:
  void write(LogLevel, std::string_view message) override {
    ++lines;
    text = message;
  }
  int lines = 0;
  std::string text;
};

class AdminDeskTest : public ::testing::Test {
 protected:
  static constexpr Duration kPatience{60'000};

  AdminDeskTest() {
    desk.committed_offsets("app", {{"in", Partition(0)}},
                           [this](const log::OffsetsCommitted&) { answered = true; });
  }
  void refuse(Status why = Status::retry("no broker")) {
    desk.handle({log::Epoch(1), log.last, std::move(why), {}});
    ask_again();
  }
  void answer(bool stable) {
    log::CommittedOffset offset;
    offset.where = {"in", Partition(0)};
    offset.stable = stable;
    desk.handle(
        {log::Epoch(1), log.last, Status::success(), log::OffsetsCommitted{{std::move(offset)}}});
    ask_again();
  }
  void ask_again() {
    if (const auto next = desk.next_timer()) clock.advance(*next - clock.monotonic());
    desk.pump();
  }
  template <class Answer>
  void answer_for(Duration how_long, const Answer& answer) {
    const Duration end = clock.monotonic() + how_long;
    while (clock.monotonic() < end && !desk.failure()) answer();
  }

  ManualClock clock{from_ms(1'000)};
  log::Inbox inbox;
  ScriptedAdmin log;
  CountingLogger logger;
  AdminDesk desk{log, inbox, clock, logger, kPatience};
  bool answered = false;
};

TEST_F(AdminDeskTest, ALogThatDoesNotAnswerForLongIsAFailure) {
  answer_for(kPatience - Duration(1'000), [this] { refuse(); });
  EXPECT_EQ(desk.failure(), std::nullopt);
  answer_for(Duration(2'000), [this] { refuse(); });
  EXPECT_EQ(desk.failure(), "no broker");
}

TEST_F(AdminDeskTest, AnUnstableAnswerIsAnAnswer) {
  answer_for(2 * kPatience, [this] { answer(false); });
  refuse();
  EXPECT_EQ(desk.failure(), std::nullopt) << "refused for the first time";
  answer(true);
  EXPECT_TRUE(answered);
}

TEST_F(AdminDeskTest, WithoutALimitItAsksOnAndSaysSoOnceAMinute) {
  desk.wait_without_limit();
  answer_for(Duration(600'000), [this] { refuse(); });
  EXPECT_EQ(desk.failure(), std::nullopt);
  EXPECT_EQ(logger.lines, 10);
  EXPECT_NE(logger.text.find("no broker"), std::string::npos) << logger.text;
  answer(true);
  EXPECT_TRUE(answered);
}

TEST_F(AdminDeskTest, WhatCannotBecomeBetterIsAFailureAlsoWithoutALimit) {
  desk.wait_without_limit();
  refuse(Status::fatal("GROUP_AUTHORIZATION_FAILED"));
  EXPECT_EQ(desk.failure(), "GROUP_AUTHORIZATION_FAILED");
}

}  // namespace
}  // namespace millrace::worker
