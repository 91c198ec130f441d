// What a log tells its worker. Everything that can wait is submitted with an operation id and ends
// as exactly one Event with that id in the worker's one inbox; what happens by itself (a rebalance,
// a failed delivery, the end of a partition) arrives there too, with no id (DESIGN §7).
//
// Every event carries the epoch of the object that caused it: each producer, reader, admin and
// membership draws one from its log, never equal to another's. An event of an epoch that is not held
// any more is counted and dropped by whoever reads it (ENGINE §1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "millrace/ids.h"
#include "millrace/result.h"
#include "millrace/time.h"

namespace millrace::log {

using Epoch = StrongInt<struct EpochTag, std::int64_t>;

// Chosen by the caller, unique among the operations it has under way. 0: not an answer to anything.
using OperationId = StrongInt<struct OperationIdTag, std::int64_t>;
inline constexpr OperationId kNoOperation{0};

// A partition as one reader knows it: the index that LogReader::start() gave.
using ReaderPartition = StrongInt<struct ReaderPartitionTag, std::int32_t>;

// What a flush wrote: the first and last offset per partition since the transaction began.
struct WrittenRange {
  TopicPartition where;
  Offset first;
  Offset last;
};
struct FlushDone {
  std::vector<WrittenRange> written;
};

struct TopicDescription {
  std::string topic;
  std::optional<std::int32_t> partitions;  // nullopt: there is no such topic
  // Limits that a record must keep, where the log has them (ENGINE §4).
  std::optional<std::int64_t> max_message_bytes;
  // How long a tombstone can be read once compaction took what it deletes: whoever has not gone on for
  // that long may miss it. Duration::max(): nothing is compacted; nullopt: the log does not say.
  std::optional<Duration> deletions_kept = std::nullopt;
};
struct TopicsDescribed {
  std::vector<TopicDescription> topics;  // in the order asked for
};

struct CommittedOffset {
  TopicPartition where;
  Offset offset = kNoOffset;  // kNoOffset: nothing committed
  std::string metadata;
  bool stable =
      true;  // false: a transaction that nobody has ended yet holds an offset here; ask again
};
struct OffsetsCommitted {
  std::vector<CommittedOffset> offsets;  // in the order asked for
};

struct PartitionOffset {
  TopicPartition where;
  Offset offset = kNoOffset;  // kNoOffset: there is no such partition
};
struct OffsetsListed {
  std::vector<PartitionOffset> offsets;  // in the order asked for
};

// Whether sending the same again may help.
enum class Refusal {
  kPassing,  // the log did not answer, or not as it will in a moment
  kRecord,  // a record is too large, or its timestamp too far from now: each time anew. Which one of
            // a batch it is, a broker does not say
  kTopic,   // the topic is not there, or must not be written: no record of it will be taken
};

// A record of the open transaction will never be in the log: the transaction cannot commit.
struct DeliveryFailed {
  TopicPartition where;
  Refusal refusal = Refusal::kPassing;
};

// The reader delivered everything that it may show below `offset` (the end, or the last stable
// offset under read_committed). Comes again after new data was read.
struct EndReached {
  ReaderPartition partition;
  Offset offset;
};

// The offset asked for is not in the log; the reader stands still. Never an implicit reset.
struct OffsetOutOfRange {
  ReaderPartition partition;
  Offset requested;
};

// The partition cannot be read (no such topic or partition, authorization); the reader stands still.
struct ReadFailed {
  ReaderPartition partition;
};

// Membership. Assigned and Revoked wait for GroupMembership::acknowledge(); Lost does not: the
// partitions are others' already, and nothing may be committed for them.
struct Assigned {
  std::vector<TopicPartition> partitions;
};
struct Revoked {
  std::vector<TopicPartition> partitions;
};
struct Lost {};

// A plain completion: its status says everything.
struct Done {};

struct Event {
  Epoch epoch;
  OperationId operation = kNoOperation;
  Status status;
  std::variant<Done, FlushDone, TopicsDescribed, OffsetsCommitted, OffsetsListed, DeliveryFailed,
               EndReached, OffsetOutOfRange, ReadFailed, Assigned, Revoked, Lost>
      what;
};

}  // namespace millrace::log
