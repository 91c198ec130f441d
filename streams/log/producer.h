// The transactional producer of one worker.
//
//   submit_init → (begin → send* → submit_flush → submit_commit | submit_abort)*
//
// One operation is under way at a time. A transaction is lost (Consequence::kAbort), or the producer
// is (kFenced, kFatal), or the outcome of a commit is open (kUnknown): then this object is destroyed
// and another made with the same transactional id, whose init settles what the old one left behind.
// The destructor does not wait: an implementation ends its threads by itself or abandons them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "log/event.h"
#include "millrace/record.h"

namespace millrace::log {

// A topic as one producer knows it.
using SinkTopic = StrongInt<struct SinkTopicTag, std::int32_t>;

// Proof of membership that the log checks when offsets are committed. Generation −1 and no member:
// partitions were assigned by hand and nothing is checked.
struct FencingToken {
  std::string group;
  std::int32_t generation = -1;
  std::string member{};
};

struct OffsetToCommit {
  TopicPartition where;
  Offset next;           // the first offset that is not processed yet
  std::string metadata;  // SEMANTICS §3.8; at most 4,096 characters
};

enum class SendResult {
  kSent,  // taken; a failure arrives as DeliveryFailed
  kFull,  // no room now: serve the inbox and try again. Nothing was taken
};

struct OutgoingRecord {
  OptionalBytesView key = std::nullopt;
  OptionalBytesView value = std::nullopt;
  Timestamp timestamp = kNoTimestamp;
  const Headers* headers = &Headers::none();
};

// Not thread-safe: one worker uses it. Events: completions, DeliveryFailed.
class LogProducer {
 public:
  virtual ~LogProducer() = default;

  virtual Epoch epoch() const = 0;

  // Effect: makes this the only producer of its transactional id, ending whatever transaction an
  // earlier one left open. Completes with Done.
  virtual void submit_init(OperationId id) = 0;

  // Effect: makes the topic known, so that the first record to it does not wait for metadata. The
  // same name gives the same handle. A topic that does not exist shows as DeliveryFailed.
  virtual SinkTopic topic(std::string_view name) = 0;

  // Effect: opens a transaction; no round trip. REQUIRES: init completed with success, no transaction open.
  virtual Status begin() = 0;

  // Effect: copies the record into the open transaction. REQUIRES: a transaction is open; the
  // partition exists; record.timestamp >= 0.
  virtual SendResult send(SinkTopic topic, Partition partition, const OutgoingRecord& record) = 0;

  // Effect: waits for the report of every record sent. Completes with FlushDone: ok if all are in
  // the log, kAbort if one failed.
  virtual void submit_flush(OperationId id) = 0;

  // Effect: puts the offsets into the transaction and commits it, one operation. Completes with Done:
  //   ok        all is visible, on all partitions, with the offsets
  //   kAbort    nothing is, the transaction is still to be aborted (e.g. the token is outdated)
  //   kFenced   nothing is; this producer is dead
  //   kUnknown  either; rotate and read the stable offsets
  // REQUIRES: flushed.
  virtual void submit_commit(OperationId id, std::vector<OffsetToCommit> offsets,
                             FencingToken token) = 0;

  // Effect: drops the open transaction. Completes with Done (kFenced, kUnknown: rotate).
  virtual void submit_abort(OperationId id) = 0;
};

}  // namespace millrace::log
