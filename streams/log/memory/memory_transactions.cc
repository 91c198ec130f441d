#include "log/memory/memory_transactions.h"

#include <utility>

#include "log/memory/memory_group.h"
#include "millrace/detail/assert.h"

namespace millrace::log::memory {

namespace {
constexpr std::size_t kMostOffsetMetadata = 4096;  // Kafka's offset.metadata.max.bytes
}

Status fenced_status() {
  return Status::fenced("a newer producer has this transactional id, or its transaction timed out");
}

TransactionalId::TransactionalId(Schedule& schedule, Hostility& hostility,
                                 TransactionOutcomes& outcomes)
    : Actor(schedule),
      hostility_(hostility),
      outcomes_(outcomes),
      timed_out_(schedule, [this] { fence(); }) {}

ProducerEpoch TransactionalId::init(Duration transaction_timeout) {
  MILLRACE_ASSERT(state_ == State::kEmpty, "a producer is made while a transaction is open");
  timeout_ = transaction_timeout;
  return ++epoch_;
}

void TransactionalId::fence() {
  ++epoch_;
  if (state_ == State::kOngoing) end(false);
}

void TransactionalId::begin_if_empty() {
  MILLRACE_ASSERT(state_ != State::kEnding, "a transaction begins before the last one has ended");
  if (state_ == State::kOngoing) return;
  state_ = State::kOngoing;
  number_ = outcomes_.begin();
  timed_out_.set(schedule().now() + timeout_);
}

TransactionNumber TransactionalId::add_partition(const std::shared_ptr<MemoryTopic>& topic,
                                                 Partition p) {
  begin_if_empty();
  partitions_.push_back({topic, p});
  return number_;
}

TransactionNumber TransactionalId::add_group(GroupOffsets& offsets) {
  begin_if_empty();
  if (std::ranges::find(groups_, &offsets) == groups_.end()) groups_.push_back(&offsets);
  return number_;
}

void TransactionalId::end(bool committed) {
  MILLRACE_ASSERT(state_ != State::kEnding, "a transaction is ended twice");
  if (state_ == State::kEmpty) return;
  timed_out_.clear();
  state_ = State::kEnding;
  committed_ = committed;
  if (!committed) outcomes_.abort(number_);
  if (hostility_.shuffles()) {
    wake();
  } else {
    write_all_markers();
  }
}

void TransactionalId::act() {
  write_marker(hostility_.random().below(partitions_.size() + groups_.size()));
  if (partitions_.empty() && groups_.empty()) {
    become_empty();
  } else {
    wake();
  }
}

void TransactionalId::write_marker(std::size_t at) {
  if (at < partitions_.size()) {
    write_marker(partitions_[at]);
    partitions_.erase(partitions_.begin() + static_cast<std::ptrdiff_t>(at));
  } else {
    const auto group = groups_.begin() + static_cast<std::ptrdiff_t>(at - partitions_.size());
    (*group)->end_transaction(number_, committed_);
    groups_.erase(group);
  }
}

void TransactionalId::write_marker(const Written& written) const {
  if (!written.topic->removed())
    written.topic->partition(written.partition)->end_transaction(number_);
}

void TransactionalId::write_all_markers() {
  for (const Written& written : partitions_) write_marker(written);
  for (GroupOffsets* group : groups_) group->end_transaction(number_, committed_);
  partitions_.clear();
  groups_.clear();
  become_empty();
}

void TransactionalId::become_empty() {
  state_ = State::kEmpty;
  number_ = kNoTransaction;
}

// A commit request that nobody waits for any more.
class LateCommit final : public Actor {
 public:
  LateCommit(MemoryTransactions& coordinator, TransactionalId& id, ProducerEpoch epoch,
             std::vector<OffsetToCommit> offsets, FencingToken token)
      : Actor(coordinator.schedule_),
        coordinator_(coordinator),
        id_(id),
        epoch_(epoch),
        offsets_(std::move(offsets)),
        token_(std::move(token)) {
    wake();
  }
  bool done() const { return done_; }

 private:
  void act() override {
    done_ = true;
    // Its producer does nothing any more: what is open under its epoch is what it wants to commit.
    if (id_.ending()) return;
    if (coordinator_.commit(id_, epoch_, offsets_, token_).ok()) {
      ++coordinator_.hostility_.counts().unknown_committed;
    }
  }

  MemoryTransactions& coordinator_;
  TransactionalId& id_;
  const ProducerEpoch epoch_;
  const std::vector<OffsetToCommit> offsets_;
  const FencingToken token_;
  bool done_ = false;
};

MemoryTransactions::MemoryTransactions(Schedule& schedule, Hostility& hostility,
                                       MemoryGroups& groups)
    : schedule_(schedule), hostility_(hostility), groups_(groups) {}
MemoryTransactions::~MemoryTransactions() = default;

TransactionalId& MemoryTransactions::find(const std::string& id) {
  std::unique_ptr<TransactionalId>& found = ids_[id];
  if (!found) found = std::make_unique<TransactionalId>(schedule_, hostility_, outcomes_);
  return *found;
}

Status MemoryTransactions::put_offsets(TransactionalId& id, ProducerEpoch epoch,
                                       const std::vector<OffsetToCommit>& offsets,
                                       const FencingToken& token) {
  if (!id.is_current(epoch)) {
    return fenced_status();
  }
  if (offsets.empty()) return Status::success();
  for (const OffsetToCommit& offset : offsets) {
    if (offset.metadata.size() > kMostOffsetMetadata) {
      return Status::abort("the metadata of the offset of " + to_string(offset.where) +
                           " is longer than 4096 characters");
    }
  }
  MemoryGroup& group = groups_.find(token.group);
  // The group belongs to the transaction before its coordinator checks the token, as on a broker.
  const TransactionNumber number = id.add_group(group.offsets());
  Status checked = group.check(token);
  if (checked.ok()) group.offsets().put(number, offsets);
  return checked;
}

Status MemoryTransactions::commit(TransactionalId& id, ProducerEpoch epoch,
                                  const std::vector<OffsetToCommit>& offsets,
                                  const FencingToken& token) {
  Status put = put_offsets(id, epoch, offsets, token);
  if (put.ok()) id.end(true);
  return put;
}

void MemoryTransactions::commit_late(TransactionalId& id, ProducerEpoch epoch,
                                     std::vector<OffsetToCommit> offsets, FencingToken token) {
  std::erase_if(late_, [](const auto& late) { return late->done(); });
  late_.push_back(
      std::make_unique<LateCommit>(*this, id, epoch, std::move(offsets), std::move(token)));
}

}  // namespace millrace::log::memory
