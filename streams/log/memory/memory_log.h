// The memory log: Kafka's semantics behind the log seam, in one thread, deterministic, in virtual
// time. The same seed and the same calls give the same events. For tests, the test driver and the
// simulator; nothing survives the object.
//
//   ManualClock clock;
//   MemoryLog log(clock);  // hostile: (clock, {.hostile = HostileOptions::everything(seed)})
//   log.create_topic({"words", 2, {}});
//   auto producer = log.make_producer({"app-1"}, inbox);
//   producer->submit_init(OperationId{1});
//   while (worker.step() | log.step()) {}  // completions arrive only inside log.step()
//   if (!done) clock.advance(...);         // to log.next_due(): a time-out is what comes next
//
// What is Kafka's: records and commit or abort markers take offsets; the last stable offset holds
// back read_committed readers; producers with epochs per transactional id; transaction time-outs;
// pending group offsets; groups with generations and cooperative rebalancing; DeleteRecords.
// What is not: nothing expires by wall clock, nothing is compacted unless compact() is called, and
// a record may be stamped far in the future unless its topic sets message.timestamp.after.max.ms.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/log.h"
#include "log/memory/hostile.h"
#include "millrace/clock.h"

namespace millrace::log::memory {

struct MemoryLogOptions {
  // Default: plain. What is due comes in the next step, in the order of the calls.
  HostileOptions hostile = {};

  // A rebalance that waits longer than this for a member's acknowledge() goes on without it (Lost).
  Duration rebalance_timeout{300'000};

  // A broker accepts offsets with the token of manual membership (generation −1, no member) also
  // while the group has members, checked by nothing (KIP-447 leaves it open). Nobody should rely on
  // it, so the default refuses: a worker that lost its membership and commits all the same shows.
  bool accept_unfenced_offsets = false;

  // What a producer holds before send() says kFull.
  std::size_t producer_buffer_bytes = std::size_t{32} << 20;
};

// A record that owns its bytes.
struct StoredRecord {
  Offset offset = kNoOffset;
  OptionalBytes key;
  OptionalBytes value;
  Timestamp timestamp = kNoTimestamp;
  Headers headers;

  friend bool operator==(const StoredRecord&, const StoredRecord&) = default;
};

struct Broker;  // all that the clients share

// Not thread-safe, the make_ functions included: one thread uses the log and all that it made.
class MemoryLog final : public Log {
 public:
  // The clock outlives the log. Time-outs follow its monotonic side.
  explicit MemoryLog(const Clock& clock, MemoryLogOptions options = {});
  ~MemoryLog() override;
  MemoryLog(const MemoryLog&) = delete;
  MemoryLog& operator=(const MemoryLog&) = delete;

  std::unique_ptr<LogProducer> make_producer(ProducerOptions options, Inbox& inbox) override;
  std::unique_ptr<LogReader> make_reader(ReaderOptions options, Inbox& inbox) override;
  std::unique_ptr<LogAdmin> make_admin(Inbox& inbox) override;
  std::unique_ptr<GroupMembership> make_membership(MembershipOptions options,
                                                   Inbox& inbox) override;

  // Effect: does what is due now: deliveries, fetches, completions, rebalances, time-outs. Only
  // here events enter inboxes. Returns false where nothing was due: it will not be until somebody
  // calls one of the objects or the clock moves to next_due().
  bool step();

  // Effect: steps until nothing is due. For tests; a worker wants to be stepped in between.
  void settle() {
    while (step()) {
    }
  }

  // When the next time-out is due (or, in hostile mode, the next thing that is late by the clock).
  // In the past only until the next step(). nullopt: nothing waits for the clock.
  std::optional<Timestamp> next_due() const;

  const HostileCounts& counts() const;

  // Effect: hostile revocations leave the partitions of this anchor topic where they are.
  void spare(std::string anchor_topic);

  // --- what a driver or a test does by the side; at once, without step() -------------------------

  // Effect: creates the topic; one that exists is left as it is. REQUIRES: partitions > 0.
  void create_topic(NewTopic topic);

  // Effect: appends outside any transaction, as another program's producer; readers see it through
  // a later step(). A negative timestamp is taken, as a broker takes it. Errors: fatal, where a
  // broker refuses (no such partition, size, the topic's limits of time, null key).
  Result<Offset> append(std::string_view topic, Partition partition, const OutgoingRecord& record);

  // The records that a reader of this isolation can see now, from `from` (or the log's start) on.
  // Empty where there is no such partition.
  std::vector<StoredRecord> read(std::string_view topic, Partition partition, Offset from,
                                 Isolation isolation) const;
  std::vector<StoredRecord> read_all(std::string_view topic, Partition partition,
                                     Isolation isolation) const {
    return read(topic, partition, Offset{0}, isolation);
  }

  std::vector<std::string> topics() const;                               // by name
  std::optional<std::int32_t> partitions(std::string_view topic) const;  // nullopt: no such topic
  std::map<std::string, std::string> config(std::string_view topic) const;

  // kNoOffset where there is no such partition. end: behind the last record or marker; last stable:
  // the first offset of the oldest open transaction, else the end.
  Offset start_offset(std::string_view topic, Partition partition) const;
  Offset end_offset(std::string_view topic, Partition partition) const;
  Offset last_stable_offset(std::string_view topic, Partition partition) const;

  // What LogAdmin::submit_committed_offsets() would say.
  CommittedOffset committed_offset(std::string_view group, const TopicPartition& where) const;

  // Effect: Kafka's log cleaner: of the records below the last stable offset only the newest of
  // each key stays; aborted records and tombstones go. Offsets do not change.
  void compact(std::string_view topic, Partition partition);

  // Effect: cuts the member off from the group, or connects it again. One that is cut off longer
  // than its session time-out is out of the group and told Lost; it joins again once it is
  // connected.
  void set_connected(Epoch membership, bool connected);

 private:
  std::unique_ptr<Broker> broker_;
};

}  // namespace millrace::log::memory
