// The transaction coordinator: per transactional id the epoch of its newest producer and the
// transaction that is open, with the partitions and groups that its markers must reach.
//
//   Empty → (first write) Ongoing → (end) Ending → (all markers written) Empty
//
// Plain: the markers are written at once. Hostile: one at a time in later steps, after the commit
// was answered, as on a real cluster; until then nothing new begins under the id.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "log/memory/group_offsets.h"
#include "log/memory/memory_topic.h"
#include "log/memory/schedule.h"

namespace millrace::log::memory {

class MemoryGroups;
class LateCommit;

using ProducerEpoch = std::int32_t;

// What a producer is told whose epoch is not the current one.
Status fenced_status();

class TransactionalId final : public Actor {
 public:
  TransactionalId(Schedule& schedule, Hostility& hostility, TransactionOutcomes& outcomes);

  // True while markers are being written: everything but fence() must be asked again later.
  bool ending() const { return state_ == State::kEnding; }

  bool is_current(ProducerEpoch epoch) const { return epoch == epoch_; }
  ProducerEpoch epoch() const { return epoch_; }

  // The open transaction; kNoTransaction: nothing was written yet.
  TransactionNumber number() const { return number_; }

  // Effect: makes a new producer the only one. REQUIRES: !ending(), no transaction open.
  ProducerEpoch init(Duration transaction_timeout);

  // Effect: aborts what is open and fences the current producer, as a time-out does.
  void fence();

  // Effect: the partition or the group belongs to the transaction, which begins if need be; returns
  // its number. REQUIRES: !ending(); once per transaction and partition.
  TransactionNumber add_partition(const std::shared_ptr<MemoryTopic>& topic, Partition p);
  TransactionNumber add_group(GroupOffsets& offsets);

  // Effect: decides the open transaction; nothing where none is open. REQUIRES: !ending().
  void end(bool committed);

  FaultRow& faults() { return faults_; }

 private:
  enum class State { kEmpty, kOngoing, kEnding };
  struct Written {
    std::shared_ptr<MemoryTopic> topic;
    Partition partition;
  };

  void act() override;
  void begin_if_empty();
  void write_marker(std::size_t at);  // the partitions count first, then the groups
  void write_marker(const Written& written) const;
  void write_all_markers();
  void become_empty();

  Hostility& hostility_;
  TransactionOutcomes& outcomes_;
  State state_ = State::kEmpty;
  ProducerEpoch epoch_ = -1;
  Duration timeout_{0};
  TransactionNumber number_ = kNoTransaction;
  bool committed_ = false;  // meaning in kEnding
  std::vector<Written> partitions_;
  std::vector<GroupOffsets*> groups_;
  Alarm timed_out_;
  FaultRow faults_;
};

class MemoryTransactions {
 public:
  MemoryTransactions(Schedule& schedule, Hostility& hostility, MemoryGroups& groups);
  ~MemoryTransactions();

  const TransactionOutcomes& outcomes() const { return outcomes_; }

  // Lifetime: the log's.
  TransactionalId& find(const std::string& id);

  // Effect: what a producer's commit asks of the coordinators: the offsets, checked against the
  // group, then the end. Errors: kFenced; kAbort, with the transaction still open.
  // REQUIRES: !id.ending().
  Status commit(TransactionalId& id, ProducerEpoch epoch,
                const std::vector<OffsetToCommit>& offsets, const FencingToken& token);

  // Effect: only the first half of it: the offsets are put.
  Status put_offsets(TransactionalId& id, ProducerEpoch epoch,
                     const std::vector<OffsetToCommit>& offsets, const FencingToken& token);

  // Effect: the same commit arrives some steps later, when nobody waits for it any more; a newer
  // producer of the id makes it void.
  void commit_late(TransactionalId& id, ProducerEpoch epoch, std::vector<OffsetToCommit> offsets,
                   FencingToken token);

 private:
  friend class LateCommit;
  Schedule& schedule_;
  Hostility& hostility_;
  MemoryGroups& groups_;
  TransactionOutcomes outcomes_;
  std::map<std::string, std::unique_ptr<TransactionalId>> ids_;
  std::deque<std::unique_ptr<LateCommit>> late_;
};

}  // namespace millrace::log::memory
