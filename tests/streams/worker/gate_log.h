// A log in front of another one: commits wait at a gate until the test opens it, answers about committed
// offsets are kept back, producers die, and membership is what the test says.
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

  bool closed = false;            // commits wait
  std::optional<Status> refuses;  // what each commit is answered, and nothing is done
  bool commit_waits() const { return waiting_ != nullptr; }
  void open_gate() {
    closed = false;
    if (waiting_) std::exchange(waiting_, nullptr)();
  }

  bool full = false;  // no producer takes a record

  // --- flushes -----------------------------------------------------------------------------------

  bool holds_flushes = false;
  bool flush_waits() const { return held_flush_.has_value(); }
  void flush() {
    holds_flushes = false;
    producer_->flush(*std::exchange(held_flush_, std::nullopt));
  }

  // --- the newest producer -----------------------------------------------------------------------

  void kill_producer() { producer_->die(); }

  // --- answers about committed offsets -----------------------------------------------------------

  // If set, what is asked from then on is answered by it, and the answer is on its way until the test
  // lets it arrive.
  std::function<log::CommittedOffset(const TopicPartition&)> keeps_answers;
  std::size_t answers_kept() const { return kept_.size(); }
  void give_kept_answers() {
    for (log::Event& answer : std::exchange(kept_, {})) admin_inbox_->push(std::move(answer));
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
    return std::make_unique<Producer>(*this, behind_.make_producer(std::move(options), inbox),
                                      inbox);
  }
  std::unique_ptr<log::LogReader> make_reader(log::ReaderOptions options,
                                              log::Inbox& inbox) override {
    return behind_.make_reader(options, inbox);
  }
  std::unique_ptr<log::LogAdmin> make_admin(log::Inbox& inbox) override {
    admin_inbox_ = &inbox;
    return std::make_unique<Admin>(*this, behind_.make_admin(inbox));
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
    Producer(GateLog& gate, std::unique_ptr<log::LogProducer> behind, log::Inbox& inbox)
        : gate_(gate), behind_(std::move(behind)), inbox_(inbox) {
      gate_.producer_ = this;
    }
    ~Producer() override { gate_.waiting_ = nullptr; }

    void die() { inbox_.push({epoch(), log::kNoOperation, Status::fatal("it broke"), {}}); }

    log::Epoch epoch() const override { return behind_->epoch(); }
    void submit_init(log::OperationId id) override { behind_->submit_init(id); }
    log::SinkTopic topic(std::string_view name) override { return behind_->topic(name); }
    Status begin() override { return behind_->begin(); }
    log::SendResult send(log::SinkTopic topic, Partition partition,
                         const log::OutgoingRecord& record) override {
      if (gate_.full) return log::SendResult::kFull;
      return behind_->send(topic, partition, record);
    }
    void submit_flush(log::OperationId id) override {
      if (gate_.holds_flushes) {
        gate_.held_flush_ = id;
      } else {
        behind_->submit_flush(id);
      }
    }
    void flush(log::OperationId id) { behind_->submit_flush(id); }
    void submit_commit(log::OperationId id, std::vector<log::OffsetToCommit> offsets,
                       log::FencingToken token) override {
      if (gate_.refuses) {
        inbox_.push({epoch(), id, *gate_.refuses, log::Done{}});
        return;
      }
      if (gate_.scripted_membership) token.generation = -1;  // a group of the gate's own
      gate_.waiting_ = [this, id, offsets = std::move(offsets), token = std::move(token)] {
        behind_->submit_commit(id, offsets, token);
      };
      if (!gate_.closed) gate_.open_gate();
    }
    void submit_abort(log::OperationId id) override { behind_->submit_abort(id); }

   private:
    GateLog& gate_;
    std::unique_ptr<log::LogProducer> behind_;
    log::Inbox& inbox_;
  };

  class Admin final : public log::LogAdmin {
   public:
    Admin(GateLog& gate, std::unique_ptr<log::LogAdmin> behind)
        : gate_(gate), behind_(std::move(behind)) {}

    log::Epoch epoch() const override { return behind_->epoch(); }
    void submit_describe_topics(log::OperationId id, std::vector<std::string> topics) override {
      behind_->submit_describe_topics(id, std::move(topics));
    }
    void submit_create_topics(log::OperationId id, std::vector<log::NewTopic> topics) override {
      behind_->submit_create_topics(id, std::move(topics));
    }
    void submit_delete_topics(log::OperationId id, std::vector<std::string> topics) override {
      behind_->submit_delete_topics(id, std::move(topics));
    }
    void submit_committed_offsets(log::OperationId id, std::string group,
                                  std::vector<TopicPartition> partitions) override {
      if (!gate_.keeps_answers) {
        behind_->submit_committed_offsets(id, std::move(group), std::move(partitions));
        return;
      }
      log::OffsetsCommitted answer;
      for (const auto& where : partitions) answer.offsets.push_back(gate_.keeps_answers(where));
      gate_.kept_.push_back({epoch(), id, Status::success(), std::move(answer)});
    }
    void submit_list_offsets(log::OperationId id, log::OffsetKind kind,
                             std::vector<TopicPartition> partitions) override {
      behind_->submit_list_offsets(id, kind, std::move(partitions));
    }
    void submit_delete_records(log::OperationId id, std::vector<log::DeleteBelow> below) override {
      behind_->submit_delete_records(id, std::move(below));
    }

   private:
    GateLog& gate_;
    std::unique_ptr<log::LogAdmin> behind_;
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
  std::optional<log::OperationId> held_flush_;
  Producer* producer_ = nullptr;  // the newest
  log::Inbox* admin_inbox_ = nullptr;
  std::vector<log::Event> kept_;
};

}  // namespace millrace::worker
