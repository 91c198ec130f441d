// The committed offsets of one group, and those that open transactions have put.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "log/event.h"
#include "log/memory/transaction_number.h"
#include "log/producer.h"

namespace millrace::log::memory {

class GroupOffsets {
 public:
  // Effect: puts the offsets; they count from end_transaction() on and make their partitions
  // unstable until then.
  void put(TransactionNumber transaction, const std::vector<OffsetToCommit>& offsets);

  // Of two transactions on one partition the one that put its offset last wins, whichever ends
  // last.
  void end_transaction(TransactionNumber transaction, bool committed);

  CommittedOffset committed(const TopicPartition& where) const;

  void forget_topic(std::string_view topic);

 private:
  struct Put {
    Offset next;
    std::string metadata;
    std::int64_t order = 0;
  };
  std::map<TopicPartition, Put> committed_;
  std::map<TransactionNumber, std::map<TopicPartition, Put>> pending_;
  std::int64_t order_ = 0;
};

}  // namespace millrace::log::memory
