// The transactions of a journal: who may write, what is open, what has ended and is to be written.
//
// Offsets are given out by flush(), so that they are known before the commit; what has ended is written
// in the order of the offsets, partition by partition. A transaction that ended behind one that is
// still open therefore waits for it, or is parked (parking.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/group/local_group.h"
#include "log/journal/journal_transaction.h"
#include "log/journal/live_topics.h"
#include "log/producer.h"
#include "millrace/clock.h"

namespace millrace::log::journal {

// Grows with every producer of the id: only the newest may write.
using ProducerEpoch = std::int64_t;

struct TransactionalId {
  std::string name;
  ProducerEpoch epoch = 0;
  Duration timeout{};
  Duration last_used{};  // on the monotonic clock
  std::shared_ptr<JournalTransaction> open;
  std::shared_ptr<JournalTransaction> committing;      // until its outcome is settled or parked
  std::vector<JournalTransaction::Waiting> next_ones;  // inits that wait for that
};

// Guarded by the journal's mutex. Events go into inboxes under it, so that the inbox of an object that
// is gone is never touched.
class Coordinator {
 public:
  // `id_expiration`: how long an id is remembered that no producer has any more (Kafka's
  // transactional.id.expiration.ms). It ends nothing: what such an id left open ends by its time-out.
  Coordinator(const Clock& clock, LiveTopics& topics, const LocalGroups& groups,
              Duration id_expiration)
      : clock_(clock), topics_(topics), groups_(groups), id_expiration_(id_expiration) {}
  ~Coordinator();

  // --- for producers -----------------------------------------------------------------------------

  // Effect: fences the earlier producer of the id and drops what it left open. `waiting` is told Done
  // once a commit that is under way is settled.
  struct Seat {
    std::shared_ptr<TransactionalId> id;
    ProducerEpoch epoch = 0;
  };
  Seat init(const std::string& id, Duration timeout, JournalTransaction::Waiting waiting);

  static bool is_current(const Seat& seat) { return seat.id->epoch == seat.epoch; }

  // Effect: gives out offsets to these records, in the transaction that is open, or a new one.
  // REQUIRES: is_current(seat), the partition exists.
  void append(const Seat& seat, const std::shared_ptr<LiveTopic>& topic, Partition partition,
              std::shared_ptr<const FlushedRecords> records);

  // Effect: ends the transaction. Success: `waiting` is told when it is durable.
  // Errors: kAbort, what the log refuses: the token, metadata, a partition that is not there; the
  // transaction is open still. REQUIRES: is_current(seat).
  Status commit(const Seat& seat, const std::vector<OffsetToCommit>& offsets,
                const FencingToken& token, JournalTransaction::Waiting waiting);

  // Effect: drops what is open, if anything. REQUIRES: is_current(seat).
  void abort(const Seat& seat);

  // Effect: nobody with this epoch is told anything any more.
  void forget(Epoch epoch);

  // The offset of a commit that is not durable yet.
  bool is_pending(std::string_view group, PartitionKey where) const;

  // --- for the writer ----------------------------------------------------------------------------

  // Effect: aborts, and fences the producers of, what is open for too long; forgets ids, see above.
  void expire();
  std::size_t ids() const { return ids_.size(); }  // that are remembered
  // When that is next to be looked at, also if transactions begin meanwhile; nullopt: not before the
  // next init().
  std::optional<Duration> next_deadline() const;

  // Everything that has ended and can be written now, in the order in which it ended: behind nothing
  // that is open. Of more than `most_bytes` as much as there must be, and something if there is
  // anything. Marks them as chosen.
  std::vector<std::shared_ptr<JournalTransaction>> choose(std::size_t most_bytes);

  // What is parked waits in memory, too, and may take so much there; or one transaction, however large.
  struct ParkingRoom {
    std::size_t bytes = 0;
  };
  std::size_t parked_bytes() const;

  // The first commit that waits for one that is open, and has done so since `ended_before`, or will for
  // long. `is_full`: whether there is no room to park it.
  struct Blocked {
    std::shared_ptr<JournalTransaction> transaction;  // nullptr: there is none
    bool is_full = false;
  };
  Blocked find_blocked(Duration ended_before, ParkingRoom room);
  // When the next one that there is room for began to wait; nullopt: none does. REQUIRES: choose() found
  // nothing.
  std::optional<Duration> blocked_since(ParkingRoom room) const;
  // Whom it waits for, as far as that can be said: a transactional id.
  std::optional<std::string> blocker_of(const JournalTransaction& blocked) const;

  // Effect: the chosen ones are durable and in their places. Returns what their records keep in
  // memory, oldest first.
  struct Kept {
    std::shared_ptr<LiveTopic> topic;
    Partition partition;
    std::size_t bytes;
  };
  std::vector<Kept> settle(const std::vector<std::shared_ptr<JournalTransaction>>& chosen);

  // Effect: the transaction is durable, and in its place later.
  void settle_parked(const std::shared_ptr<JournalTransaction>& parked, Offset at);

  // Effect: the chosen ones cannot be written: commits among them end with this status (kAbort). Returns
  // whether there was any: what is parked stays as it is.
  bool refuse(const std::vector<std::shared_ptr<JournalTransaction>>& chosen, const Status& why);

  // The lowest offset in the parking topic of what is parked and not chosen.
  std::optional<Offset> first_parked() const;

  // Effect: everybody who waits is told this (kFatal).
  void fail(const Status& why);

 private:
  std::shared_ptr<JournalTransaction>& open_of(const Seat& seat);
  void end(std::shared_ptr<JournalTransaction>& open, JournalTransaction::State how);
  void forget_unused_ids();
  void mark_free();
  bool has_room(const JournalTransaction& transaction, ParkingRoom room) const;
  bool is_blocked(const JournalTransaction& transaction) const;
  std::size_t choose_with_predecessors(JournalTransaction& transaction) const;
  static void tell(JournalTransaction::Waiting& waiting, const Status& status);
  static void outcome_is_known(JournalTransaction& transaction, const Status& status);

  const Clock& clock_;
  LiveTopics& topics_;
  const LocalGroups& groups_;
  const Duration id_expiration_;
  std::optional<Duration> next_look_at_ids_;
  std::map<std::string, std::shared_ptr<TransactionalId>> ids_;
  std::vector<std::shared_ptr<JournalTransaction>> open_;
  std::vector<std::shared_ptr<JournalTransaction>> ended_;  // in this order; not settled
};

}  // namespace millrace::log::journal
