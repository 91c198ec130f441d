// A log whose commits fail when a test says so: the next commit is answered with kAbort, once, and
// nothing of the transaction is visible. Everything else goes to the log behind it.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "log/log.h"

namespace millrace::testing {

class AbortingLog final : public log::Log {
 public:
  explicit AbortingLog(log::Log& behind) : behind_(behind) {}

  // Effect: from now on every commit is refused once before it is let through; or no longer.
  void refuse_each_commit_once(bool refuse) {
    refuse_ = refuse;
    refused_last_ = false;
  }
  int refused() const { return refused_; }

  std::unique_ptr<log::LogProducer> make_producer(log::ProducerOptions options,
                                                  log::Inbox& inbox) override {
    return std::make_unique<Producer>(*this, behind_.make_producer(std::move(options), inbox),
                                      inbox);
  }
  std::unique_ptr<log::LogReader> make_reader(log::ReaderOptions options,
                                              log::Inbox& inbox) override {
    return behind_.make_reader(options, inbox);
  }
  std::unique_ptr<log::LogAdmin> make_admin(log::Inbox& inbox) override {
    return behind_.make_admin(inbox);
  }
  std::unique_ptr<log::GroupMembership> make_membership(log::MembershipOptions options,
                                                        log::Inbox& inbox) override {
    return behind_.make_membership(std::move(options), inbox);
  }

 private:
  class Producer final : public log::LogProducer {
   public:
    Producer(AbortingLog& log, std::unique_ptr<log::LogProducer> behind, log::Inbox& inbox)
        : log_(log), behind_(std::move(behind)), inbox_(inbox) {}

    log::Epoch epoch() const override { return behind_->epoch(); }
    void submit_init(log::OperationId id) override { behind_->submit_init(id); }
    log::SinkTopic topic(std::string_view name) override { return behind_->topic(name); }
    Status begin() override { return behind_->begin(); }
    log::SendResult send(log::SinkTopic topic, Partition partition,
                         const log::OutgoingRecord& record) override {
      return behind_->send(topic, partition, record);
    }
    void submit_flush(log::OperationId id) override { behind_->submit_flush(id); }
    void submit_commit(log::OperationId id, std::vector<log::OffsetToCommit> offsets,
                       log::FencingToken token) override {
      if (log_.refuses()) {
        inbox_.push({epoch(), id, Status::abort("the test refuses this commit"), log::Done{}});
      } else {
        behind_->submit_commit(id, std::move(offsets), std::move(token));
      }
    }
    void submit_abort(log::OperationId id) override { behind_->submit_abort(id); }

   private:
    AbortingLog& log_;
    std::unique_ptr<log::LogProducer> behind_;
    log::Inbox& inbox_;
  };

  bool refuses() {
    if (!refuse_) return false;
    refused_last_ = !refused_last_;
    if (refused_last_) ++refused_;
    return refused_last_;
  }

  log::Log& behind_;
  bool refuse_ = false;
  bool refused_last_ = false;
  int refused_ = 0;
};

}  // namespace millrace::testing
