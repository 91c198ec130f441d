// The smallest worker that is exactly-once: copies "in" to "out", partition by partition, over
// whatever the log does to it. It follows the seam's rules and nothing else, so that a hostile log
// that breaks it breaks them.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/inbox.h"
#include "log/log.h"

namespace millrace::log {

class EchoWorker {
 public:
  // Every event taken is written to `trace`.
  EchoWorker(Log& log, std::string id, std::int32_t partitions, std::size_t per_transaction,
             std::string& trace)
      : log_(log), id_(std::move(id)), per_transaction_(per_transaction), trace_(trace) {
    membership_ = log_.make_membership({.group = "echo"}, inbox_);
    admin_ = log_.make_admin(inbox_);
    reader_ = log_.make_reader({}, inbox_);
    membership_->join({{"in", partitions}});
    rotate();
  }

  // Returns whether anything was done.
  bool step() {
    bool done = false;
    Event event;
    while (inbox_.pop(event)) {
      take(event);
      done = true;
    }
    if (state_ == State::kReady || state_ == State::kOpen) done |= advance();
    ask_for_positions();
    return done;
  }

  std::size_t tasks() const { return tasks_.size(); }

 private:
  enum class State { kRotating, kReady, kOpen, kFlushing, kCommitting, kAborting };
  struct Task {
    std::optional<ReaderPartition> index;  // nullopt: its position is not known
    Offset next;
    bool in_transaction = false;
  };
  struct Copy {
    Partition partition;
    std::string value;
  };

  OperationId next_id() { return ++last_id_; }

  void take(const Event& event) {
    trace_ += std::to_string(event.epoch.value()) + '/' + std::to_string(event.operation.value()) +
              '/' + std::to_string(event.what.index()) + '/' +
              std::string(to_string(event.status.consequence())) + ' ';
    if (event.epoch == membership_->epoch()) {
      if (const auto* assigned = std::get_if<Assigned>(&event.what)) on_assigned(*assigned);
      if (const auto* revoked = std::get_if<Revoked>(&event.what)) revoking_ = revoked->partitions;
      if (std::holds_alternative<Lost>(event.what)) on_lost();
      if (!revoking_.empty() && state_ == State::kRotating) let_go();
    } else if (event.epoch == admin_->epoch() && event.operation == asking_) {
      asking_ = kNoOperation;
      if (event.status.ok()) on_positions(std::get<OffsetsCommitted>(event.what));
    } else if (event.epoch == reader_->epoch()) {
      EXPECT_TRUE(std::holds_alternative<EndReached>(event.what)) << "reading stopped";
    } else if (event.epoch == producer_->epoch() && event.operation == operation_) {
      on_completion(event.status);
    }
  }

  // --- membership --------------------------------------------------------------------------------

  void on_assigned(const Assigned& assigned) {
    for (const TopicPartition& where : assigned.partitions)
      EXPECT_TRUE(tasks_.emplace(where, Task{}).second);
    membership_->acknowledge();
  }
  void on_lost() {
    revoking_.clear();
    while (!tasks_.empty()) drop(tasks_.begin()->first);
    lost_ = state_ != State::kReady && state_ != State::kRotating;
  }
  void let_go() {
    for (const TopicPartition& where : revoking_) drop(where);
    revoking_.clear();
    membership_->acknowledge();
  }
  void drop(const TopicPartition& where) {
    const auto task = tasks_.find(where);
    ASSERT_NE(task, tasks_.end());
    if (task->second.index) reader_->stop(*task->second.index);
    tasks_.erase(task);
  }

  // --- positions ---------------------------------------------------------------------------------

  void ask_for_positions() {
    if (asking_ != kNoOperation || (state_ != State::kReady && state_ != State::kOpen)) return;
    std::vector<TopicPartition> unknown;
    for (const auto& [where, task] : tasks_) {
      if (!task.index) unknown.push_back(where);
    }
    if (unknown.empty()) return;
    asking_ = next_id();
    admin_->submit_committed_offsets(asking_, "echo", std::move(unknown));
  }
  void on_positions(const OffsetsCommitted& committed) {
    for (const CommittedOffset& offset : committed.offsets) {
      const auto task = tasks_.find(offset.where);
      if (!offset.stable || task == tasks_.end() || task->second.index) continue;
      task->second.next = offset.offset == kNoOffset ? Offset(0) : offset.offset;
      task->second.index = reader_->start(offset.where, task->second.next);
    }
  }
  void forget_positions() {
    asking_ = kNoOperation;
    copies_.clear();
    for (auto& [where, task] : tasks_) {
      if (task.index) reader_->stop(*task.index);
      task = Task{};
    }
  }

  // --- transactions ------------------------------------------------------------------------------

  void rotate() {
    producer_ = log_.make_producer({.transactional_id = id_}, inbox_);
    state_ = State::kRotating;
    operation_ = next_id();
    producer_->submit_init(operation_);
    lost_ = false;
    if (!revoking_.empty()) let_go();
  }

  bool advance() {
    if (lost_) {
      if (state_ == State::kOpen) {
        abort();
        return true;
      }
      lost_ = false;
    }
    bool done = read();
    done |= send();
    const bool full = sent_ >= per_transaction_ || !revoking_.empty() || !done;
    if (state_ == State::kOpen && full && copies_.empty()) {
      state_ = State::kFlushing;
      operation_ = next_id();
      producer_->submit_flush(operation_);
      return true;
    }
    if (state_ == State::kReady && !revoking_.empty()) {
      let_go();
      return true;
    }
    return done;
  }

  bool read() {
    if (!copies_.empty() || !revoking_.empty()) return false;
    for (auto& [where, task] : tasks_) {
      if (!task.index) continue;
      reader_->drain(*task.index, 3, batch_);
      for (const RecordView& record : batch_) {
        EXPECT_GE(record.offset, task.next);
        copies_.push_back({where.partition, std::string(*record.value)});
        task.next = record.offset + 1;
        task.in_transaction = true;
      }
    }
    return !copies_.empty();
  }

  bool send() {
    bool done = false;
    while (!copies_.empty()) {
      if (state_ == State::kReady) {
        if (!producer_->begin().ok()) {
          rotate();
          return true;
        }
        state_ = State::kOpen;
        sent_ = 0;
      }
      const Copy& copy = copies_.front();
      const OutgoingRecord record{.key = "k", .value = copy.value, .timestamp = from_ms(1)};
      if (producer_->send(producer_->topic("out"), copy.partition, record) == SendResult::kFull)
        break;
      copies_.pop_front();
      ++sent_;
      done = true;
    }
    return done;
  }

  void on_completion(const Status& status) {
    operation_ = kNoOperation;
    if (state_ == State::kRotating) {
      if (status.ok()) {
        state_ = State::kReady;
        forget_positions();
      } else {
        EXPECT_EQ(status.consequence(), Consequence::kRetry);
        operation_ = next_id();
        producer_->submit_init(operation_);
      }
    } else if (status.ok()) {
      if (state_ == State::kFlushing) return commit();
      state_ = State::kReady;
      if (aborting_) forget_positions();
      aborting_ = false;
      lost_ = false;
      for (auto& [where, task] : tasks_) task.in_transaction = false;
    } else if (status.consequence() == Consequence::kAbort) {
      EXPECT_NE(state_, State::kAborting);
      abort();
    } else {
      EXPECT_TRUE(status.consequence() == Consequence::kFenced ||
                  status.consequence() == Consequence::kUnknown)
          << status.message();
      aborting_ = false;
      rotate();
    }
  }

  void commit() {
    const std::optional<FencingToken> token = membership_->token();
    if (lost_ || !token) return abort();
    std::vector<OffsetToCommit> offsets;
    for (const auto& [where, task] : tasks_) {
      if (task.in_transaction) offsets.push_back({where, task.next, ""});
    }
    state_ = State::kCommitting;
    operation_ = next_id();
    producer_->submit_commit(operation_, std::move(offsets), *token);
  }

  void abort() {
    aborting_ = true;
    state_ = State::kAborting;
    operation_ = next_id();
    producer_->submit_abort(operation_);
  }

  Log& log_;
  const std::string id_;
  const std::size_t per_transaction_;
  std::string& trace_;
  Inbox inbox_;
  std::unique_ptr<GroupMembership> membership_;
  std::unique_ptr<LogAdmin> admin_;
  std::unique_ptr<LogReader> reader_;
  std::unique_ptr<LogProducer> producer_;
  RecordBatch batch_;

  State state_ = State::kRotating;
  OperationId last_id_{0};
  OperationId operation_ = kNoOperation;  // of the producer
  OperationId asking_ = kNoOperation;     // for positions
  std::map<TopicPartition, Task> tasks_;
  std::vector<TopicPartition> revoking_;  // to be answered
  std::deque<Copy> copies_;               // read, not sent yet
  std::size_t sent_ = 0;
  bool aborting_ = false;
  bool lost_ = false;  // in mid-transaction
};

}  // namespace millrace::log
