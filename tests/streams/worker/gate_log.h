// A log in front of another one: commits wait at a gate until the test opens it, and membership is
// what the test says.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "log/log.h"

namespace millrace::worker {

class GateLog final : public log::Log {
 public:
  explicit GateLog(log::Log& behind) : behind_(behind) {}

  // --- commits -----------------------------------------------------------------------------------

  bool closed = false;  // commits wait
  bool commit_waits() const { return waiting_ != nullptr; }
  void open_gate() {
    closed = false;
    if (waiting_) std::exchange(waiting_, nullptr)();
  }

  // --- membership, of the newest member ----------------------------------------------------------

  bool scripted_membership = false;
  void assign(std::vector<TopicPartition> partitions) {
    tell(log::Assigned{std::move(partitions)});
  }
  void revoke(std::vector<TopicPartition> partitions) { tell(log::Revoked{std::move(partitions)}); }
  void lose() { tell(log::Lost{}); }
  int acknowledged = 0;
  int left = 0;
  std::int32_t generation = -1;
  bool waits_for_answers = false;  // as a group within one process

  std::unique_ptr<log::LogProducer> make_producer(log::ProducerOptions options,
                                                  log::Inbox& inbox) override {
    return std::make_unique<Producer>(*this, behind_.make_producer(std::move(options), inbox));
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
    if (!scripted_membership) return behind_.make_membership(std::move(options), inbox);
    inbox_ = &inbox;
    return std::make_unique<Membership>(*this, std::move(options.group));
  }

 private:
  static constexpr log::Epoch kMembershipEpoch{1'000'000};

  class Producer final : public log::LogProducer {
   public:
    Producer(GateLog& gate, std::unique_ptr<log::LogProducer> behind)
        : gate_(gate), behind_(std::move(behind)) {}
    ~Producer() override { gate_.waiting_ = nullptr; }

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
      if (gate_.waits_for_answers) token.generation = -1;  // a group of the gate's own
      gate_.waiting_ = [this, id, offsets = std::move(offsets), token = std::move(token)] {
        behind_->submit_commit(id, offsets, token);
      };
      if (!gate_.closed) gate_.open_gate();
    }
    void submit_abort(log::OperationId id) override { behind_->submit_abort(id); }

   private:
    GateLog& gate_;
    std::unique_ptr<log::LogProducer> behind_;
  };

  class Membership final : public log::GroupMembership {
   public:
    Membership(GateLog& gate, std::string group) : gate_(gate), group_(std::move(group)) {}
    log::Epoch epoch() const override { return kMembershipEpoch; }
    void join(std::vector<log::AnchorTopic>) override {}
    void acknowledge() override { ++gate_.acknowledged; }
    void kick() override {}
    bool waits_for_answers() const override { return gate_.waits_for_answers; }
    std::optional<log::FencingToken> token() const override {
      return log::FencingToken{group_, gate_.generation, ""};
    }
    void submit_leave(log::OperationId id) override {
      ++gate_.left;
      gate_.inbox_->push({epoch(), id, Status::success(), log::Done{}});
    }

   private:
    GateLog& gate_;
    const std::string group_;
  };

  template <class What>
  void tell(What what) {
    inbox_->push({kMembershipEpoch, log::kNoOperation, Status::success(), std::move(what)});
  }

  log::Log& behind_;
  log::Inbox* inbox_ = nullptr;
  std::function<void()> waiting_;
};

}  // namespace millrace::worker
