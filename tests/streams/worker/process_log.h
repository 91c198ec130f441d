// A process on the memory log as one is on Kafka: its workers share partitions in a group of their own,
// and the log behind takes their offsets without a check.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "log/group/local_membership.h"
#include "log/log.h"

namespace millrace::worker {

class ProcessLog final : public log::Log {
 public:
  // REQUIRES: the log behind accepts unfenced offsets.
  explicit ProcessLog(log::Log& behind) : behind_(behind) {}

  std::unique_ptr<log::LogProducer> make_producer(log::ProducerOptions options,
                                                  log::Inbox& inbox) override {
    return std::make_unique<Producer>(groups_, behind_.make_producer(std::move(options), inbox));
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
    // Epochs of the log behind are counted from 1.
    return log::make_local_membership(groups_.find(options.group, options.members_at_start),
                                      log::Epoch(--last_epoch_), inbox);
  }

 private:
  class Producer final : public log::LogProducer {
   public:
    Producer(const log::LocalGroups& groups, std::unique_ptr<log::LogProducer> behind)
        : groups_(groups), behind_(std::move(behind)) {}

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
      if (groups_.check(token).ok()) token = {.group = std::move(token.group)};
      behind_->submit_commit(id, std::move(offsets), std::move(token));
    }
    void submit_abort(log::OperationId id) override { behind_->submit_abort(id); }

   private:
    const log::LocalGroups& groups_;
    std::unique_ptr<log::LogProducer> behind_;
  };

  log::Log& behind_;
  log::LocalGroups groups_;
  std::int64_t last_epoch_ = 0;
};

}  // namespace millrace::worker
