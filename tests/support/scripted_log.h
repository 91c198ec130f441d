// A log that does nothing by itself: what it is asked goes into a journal, and each operation of
// its producer is answered when the test says so, and how.
//
//   log.complete(Status::success());             // the operation that waits
//   log.fail_delivery();                         // an event without an operation
//   EXPECT_EQ(journal.take(), "begin send:v flush");
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "log/log.h"

namespace millrace::testing {

// What happened, in order, as words.
class Journal {
 public:
  void note(std::string_view word) {
    if (!text_.empty()) text_ += ' ';
    text_ += word;
  }
  std::string take() { return std::exchange(text_, {}); }

 private:
  std::string text_;
};

class ScriptedLog final : public log::Log {
 public:
  explicit ScriptedLog(Journal& journal) : journal_(journal) {}

  // --- what the log does when the test says so ---------------------------------------------------

  bool waiting() const { return operation_.has_value(); }

  // Effect: answers the operation that waits. REQUIRES: one does.
  void complete(Status status) {
    const Operation operation = std::exchange(operation_, std::nullopt).value();
    if (operation.is_flush) {
      operation.inbox->push({operation.epoch, operation.id, std::move(status),
                             log::FlushDone{std::exchange(written, {})}});
    } else {
      operation.inbox->push({operation.epoch, operation.id, std::move(status), log::Done{}});
    }
  }
  // Effect: events that answer no operation, of the newest producer.
  void fail_delivery() {
    inbox_->push(
        {epoch_, log::kNoOperation, Status::abort("MSG_TIMED_OUT"), log::DeliveryFailed{}});
  }
  void producer_dies(Status why) {
    inbox_->push({epoch_, log::kNoOperation, std::move(why), log::Done{}});
  }

  Status next_begin;                         // success unless said; once
  bool full = false;                         // send() says kFull
  std::vector<log::WrittenRange> written;    // what the next flush reports
  std::vector<log::OffsetToCommit> offsets;  // of the last commit
  log::FencingToken token;

  log::Epoch epoch() const { return epoch_; }

  std::unique_ptr<log::LogProducer> make_producer(log::ProducerOptions,
                                                  log::Inbox& inbox) override {
    journal_.note("producer");
    epoch_ = log::Epoch(epoch_.value() + 1);
    inbox_ = &inbox;
    operation_.reset();
    return std::make_unique<Producer>(*this, inbox, epoch_);
  }
  std::unique_ptr<log::LogReader> make_reader(log::ReaderOptions, log::Inbox&) override { none(); }
  std::unique_ptr<log::LogAdmin> make_admin(log::Inbox&) override { none(); }
  std::unique_ptr<log::GroupMembership> make_membership(log::MembershipOptions,
                                                        log::Inbox&) override {
    none();
  }

 private:
  struct Operation {
    log::Inbox* inbox;
    log::Epoch epoch;
    log::OperationId id;
    bool is_flush;
  };

  class Producer final : public log::LogProducer {
   public:
    Producer(ScriptedLog& log, log::Inbox& inbox, log::Epoch epoch)
        : log_(log), inbox_(inbox), epoch_(epoch) {}

    log::Epoch epoch() const override { return epoch_; }
    void submit_init(log::OperationId id) override { submit("init", id); }
    log::SinkTopic topic(std::string_view) override { return log::SinkTopic(topics_++); }
    Status begin() override {
      log_.journal_.note("begin");
      return std::exchange(log_.next_begin, Status::success());
    }
    log::SendResult send(log::SinkTopic, Partition, const log::OutgoingRecord& record) override {
      if (log_.full) return log::SendResult::kFull;
      log_.journal_.note("send:" + std::string(record.value.value_or("null")));
      return log::SendResult::kSent;
    }
    void submit_flush(log::OperationId id) override { submit("flush", id, true); }
    void submit_commit(log::OperationId id, std::vector<log::OffsetToCommit> offsets,
                       log::FencingToken token) override {
      log_.offsets = std::move(offsets);
      log_.token = std::move(token);
      submit("commit", id);
    }
    void submit_abort(log::OperationId id) override { submit("abort", id); }

   private:
    void submit(std::string_view what, log::OperationId id, bool is_flush = false) {
      if (log_.operation_) throw std::logic_error("two operations at once");
      log_.journal_.note(what);
      log_.operation_ = {&inbox_, epoch_, id, is_flush};
    }

    ScriptedLog& log_;
    log::Inbox& inbox_;
    const log::Epoch epoch_;
    std::int32_t topics_ = 0;
  };

  [[noreturn]] static void none() { throw std::logic_error("the scripted log has producers only"); }

  Journal& journal_;
  log::Inbox* inbox_ = nullptr;
  log::Epoch epoch_{0};
  std::optional<Operation> operation_;
};

}  // namespace millrace::testing
