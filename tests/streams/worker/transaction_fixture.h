// A transaction with a host and a log that only note what is asked of them.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "support/scripted_log.h"
#include "worker/transaction.h"

namespace millrace::worker {

class NotingHost final : public TransactionHost {
 public:
  explicit NotingHost(testing::Journal& journal) : journal_(journal) {}

  int slices = 1;  // of what a commit writes
  bool write_fails = false;
  Transaction* transaction = nullptr;
  std::vector<log::Refusal> refusals;
  std::vector<task::Writer> writers;  // of each commit
  std::optional<std::string> offsets_failure;
  bool member = true;
  std::vector<log::WrittenRange> published;
  std::string stopped;

  void begin_changes() override { slices_left_ = slices; }
  Written write_changes() override {
    journal_.note("write");
    if (--slices_left_ > 0) return Written::kSome;
    if (write_fails) transaction->task_failed();
    return write_fails ? Written::kFailed : Written::kAll;
  }
  void delivery_failed(const log::DeliveryFailed& failed, const Status&) override {
    refusals.push_back(failed.refusal);
  }
  std::optional<std::string> collect_offsets(std::vector<log::OffsetToCommit>& offsets,
                                             task::Writer writer) override {
    journal_.note("offsets");
    writers.push_back(writer);
    offsets.push_back({{"in", Partition(0)}, Offset(7), "m"});
    return offsets_failure;
  }
  std::optional<log::FencingToken> token() override {
    if (!member) return std::nullopt;
    return log::FencingToken{"group", 3, "me"};
  }
  void publish(const std::vector<log::WrittenRange>& written) override {
    journal_.note("PUBLISH");
    published = written;
  }
  void replay() override { journal_.note("REPLAY"); }
  void resolve(bool in_doubt) override { journal_.note(in_doubt ? "resolve-doubt" : "resolve"); }
  void close_revoked() override { journal_.note("close-revoked"); }
  void acknowledge() override { journal_.note("acknowledge"); }
  void close_lost() override { journal_.note("close-lost"); }
  void stop(std::string why) override {
    journal_.note("STOP");
    stopped = std::move(why);
  }

 private:
  testing::Journal& journal_;
  int slices_left_ = 0;
};

class TransactionTest : public ::testing::Test {
 protected:
  TransactionTest() { host.transaction = &transaction; }

  static constexpr int kMaxFences = 3;

  // Effect: hands what the log answered to the transaction, then lets it do what it can.
  void go_on() {
    log::Event event;
    while (inbox.pop(event)) EXPECT_TRUE(transaction.handle(event));
    while (transaction.pump()) {
      if (++pumps > 1000) {
        ADD_FAILURE() << "it never rests";
        break;
      }
    }
  }
  std::string complete(Status status = Status::success()) {
    log.complete(std::move(status));
    go_on();
    return journal.take();
  }
  std::string happened() {
    go_on();
    return journal.take();
  }

  // Effect: a new producer, ready, nothing in doubt.
  void start() {
    transaction.start();
    complete();
    transaction.resolved(false);
    go_on();
    EXPECT_EQ(transaction.state(), ProducerState::kIdle);
    journal.take();
  }
  // Effect: a step ran and sent this value.
  void step(const std::string& value = "v") {
    output.send(output.add_topic("out", 1), Partition(0), std::nullopt, value, Timestamp{},
                Headers::none());
    transaction.stepped();
  }
  // Effect: waits until a pause between attempts is over.
  void wait_for_the_pause() {
    while (!transaction.may_step() && transaction.next_timer()) {
      clock.advance(*transaction.next_timer() - clock.monotonic());
      go_on();
    }
  }
  // Effects: a transaction up to this state, with one record in it.
  void open() {
    start();
    step();
    go_on();
    ASSERT_EQ(transaction.state(), ProducerState::kOpen);
    journal.take();
  }
  void draining() {
    open();
    transaction.commit_due();
    go_on();
    ASSERT_EQ(transaction.state(), ProducerState::kDraining);
    journal.take();
  }
  void committing() {
    draining();
    complete();
    ASSERT_EQ(transaction.state(), ProducerState::kCommitting);
  }
  void aborting() {
    committing();
    complete(Status::abort("no"));
    ASSERT_EQ(transaction.state(), ProducerState::kAborting);
  }
  void rotating() {
    committing();
    complete(Status::unknown("timed out"));
    ASSERT_EQ(transaction.state(), ProducerState::kRotating);
  }

  testing::Journal journal;
  ManualClock clock{from_ms(1'000)};
  log::Inbox inbox;
  task::OutputBuffer output;
  testing::ScriptedLog log{journal};
  NotingHost host{journal};
  Transaction transaction{host, {log, inbox, output, clock, null_logger()}, {"app-1"}, kMaxFences};
  int pumps = 0;
};

}  // namespace millrace::worker
