#include "log/journal/coordinator.h"

#include <algorithm>
#include <utility>

#include "log/journal/frame_codec.h"

namespace millrace::log::journal {

namespace {

using State = JournalTransaction::State;
using TransactionPointer = std::shared_ptr<JournalTransaction>;

constexpr std::size_t kMostOffsetMetadata = 4096;  // Kafka's offset.metadata.max.bytes
constexpr Duration kLooksAtIds{3'600'000};

// Calls visit(transaction) for each other transaction that is to be written and has an offset below the
// last record of this one, in a partition of both, as long as it returns true. Returns false if it was
// stopped. What lies between that record and the marker behind it need not be there: the marker is passed
// when it is reached. So what waited for a long transaction goes to its place piece by piece behind it.
template <class Visit>
bool for_each_predecessor(const JournalTransaction& transaction, Visit visit) {
  for (const JournalTransaction::Touched& touched : transaction.touched) {
    if (touched.topic->removed()) continue;
    const LivePartition& partition = *touched.topic->partition(touched.partition);
    for (auto entry = partition.unsettled_begin(); entry != partition.unsettled_end(); ++entry) {
      if (entry->base > touched.last) break;
      JournalTransaction& other = *entry->transaction;
      if (&other == &transaction || other.is_settled()) continue;
      if (!visit(other)) return false;
    }
  }
  return true;
}

}  // namespace

Coordinator::~Coordinator() {
  // Transactions and partitions hold each other, and so do transactions and ids.
  for (const auto* transactions : {&open_, &ended_}) {
    for (const TransactionPointer& transaction : *transactions) {
      transaction->touched.clear();
      transaction->owner.reset();
    }
  }
}

void Coordinator::tell(JournalTransaction::Waiting& waiting, const Status& status) {
  if (waiting.inbox != nullptr)
    waiting.inbox->push({waiting.epoch, waiting.operation, status, Done{}});
  waiting.inbox = nullptr;
}

// --- producers -----------------------------------------------------------------------------------

Coordinator::Seat Coordinator::init(const std::string& name, Duration timeout,
                                    JournalTransaction::Waiting waiting) {
  std::shared_ptr<TransactionalId>& known = ids_[name];
  if (!known) known = std::make_shared<TransactionalId>();
  TransactionalId& id = *known;
  id.name = name;
  id.timeout = timeout;
  id.last_used = clock_.monotonic();
  ++id.epoch;
  if (id.open) end(id.open, State::kAborting);
  if (id.committing) {
    id.next_ones.push_back(waiting);
  } else {
    tell(waiting, Status::success());
  }
  return {known, id.epoch};
}

TransactionPointer& Coordinator::open_of(const Seat& seat) {
  TransactionPointer& open = seat.id->open;
  if (!open) {
    open = std::make_shared<JournalTransaction>();
    open->owner = seat.id;
    open->deadline = clock_.monotonic() + seat.id->timeout;
    open_.push_back(open);
  }
  return open;
}

void Coordinator::append(const Seat& seat, const std::shared_ptr<LiveTopic>& topic,
                         Partition partition, std::shared_ptr<const FlushedRecords> records) {
  const TransactionPointer& transaction = open_of(seat);
  const std::int64_t count = records->records();
  transaction->bytes += kBatchHeadSize + records->bytes().size();
  const Offset first = topic->partition(partition)->append(std::move(records), transaction);
  const auto touched = std::ranges::find_if(transaction->touched, [&](const auto& t) {
    return t.topic == topic && t.partition == partition;
  });
  if (touched == transaction->touched.end()) {
    transaction->touched.push_back({topic, partition, first, first + (count - 1)});
  } else {
    touched->last = first + (count - 1);
  }
}

Status Coordinator::commit(const Seat& seat, const std::vector<OffsetToCommit>& offsets,
                           const FencingToken& token, JournalTransaction::Waiting waiting) {
  std::vector<FrameOffset> resolved;
  for (const OffsetToCommit& offset : offsets) {
    if (offset.metadata.size() > kMostOffsetMetadata) {
      return Status::abort("the metadata of the offset of " + to_string(offset.where) +
                           " is longer than 4096 characters");
    }
    const LivePartition* partition = topics_.find(offset.where);
    if (partition == nullptr) {
      return Status::abort("an offset is committed for " + to_string(offset.where) +
                           ", which does not exist");
    }
    resolved.push_back({token.group, partition->key(), offset.next, offset.metadata});
  }
  if (!offsets.empty()) {
    // Under the journal's mutex: whoever owns these partitions next asks for their offsets after
    // this, and hears that they are not settled.
    Status checked = groups_.check_or_by_hand(token);
    if (!checked.ok()) return checked;
  }
  if (offsets.empty() && !seat.id->open) {
    tell(waiting, Status::success());
    return Status::success();
  }
  TransactionPointer& open = open_of(seat);
  open->group = token.group;
  open->offsets = std::move(resolved);
  open->waiting = waiting;
  seat.id->committing = open;
  end(open, State::kCommitting);
  return Status::success();
}

void Coordinator::abort(const Seat& seat) {
  if (seat.id->open) end(seat.id->open, State::kAborting);
}

// Effect: puts the markers and hands it to the writer. `open` is empty then.
void Coordinator::end(TransactionPointer& open, State how) {
  const TransactionPointer transaction = std::move(open);
  open = nullptr;
  std::erase(open_, transaction);
  transaction->state = how;
  transaction->ended_at = transaction->owner->last_used = clock_.monotonic();
  for (const JournalTransaction::Touched& touched : transaction->touched) {
    if (touched.topic->removed()) continue;
    LivePartition& partition = *touched.topic->partition(touched.partition);
    partition.append_marker(transaction);
    partition.wake_watchers(Isolation::kReadUncommitted);
  }
  ended_.push_back(transaction);
}

void Coordinator::forget(Epoch epoch) {
  for (const TransactionPointer& transaction : ended_) {
    if (transaction->waiting.epoch == epoch) transaction->waiting.inbox = nullptr;
  }
  for (auto& [name, id] : ids_) {
    std::erase_if(id->next_ones, [&](const auto& waiting) { return waiting.epoch == epoch; });
  }
}

bool Coordinator::is_pending(std::string_view group, PartitionKey where) const {
  return std::ranges::any_of(ended_, [&](const TransactionPointer& transaction) {
    return transaction->state == State::kCommitting && transaction->group == group &&
           std::ranges::find(transaction->offsets, where, &FrameOffset::where) !=
               transaction->offsets.end();
  });
}

// --- the writer ----------------------------------------------------------------------------------

void Coordinator::expire() {
  const auto is_due = [now = clock_.monotonic()](const auto& t) { return t->deadline <= now; };
  for (auto due = std::ranges::find_if(open_, is_due); due != open_.end();
       due = std::ranges::find_if(open_, is_due)) {
    const std::shared_ptr<TransactionalId> id = (*due)->owner;
    ++id->epoch;
    end(id->open, State::kAborting);
  }
  forget_unused_ids();
}

// An id that a producer or a transaction holds is in use.
void Coordinator::forget_unused_ids() {
  const Duration now = clock_.monotonic();
  if (now < next_look_at_ids_.value_or(now)) return;
  next_look_at_ids_ = now + std::min(kLooksAtIds, id_expiration_);
  std::erase_if(ids_, [&](const auto& entry) {
    const std::shared_ptr<TransactionalId>& id = entry.second;
    return id.use_count() == 1 && now - id->last_used >= id_expiration_;
  });
}

std::optional<Duration> Coordinator::next_deadline() const {
  std::optional<Duration> first;
  const auto consider = [&](Duration at) { first = std::min(first.value_or(at), at); };
  for (const TransactionPointer& transaction : open_) consider(transaction->deadline);
  const Duration now = clock_.monotonic();
  for (const auto& [name, id] : ids_) {
    if (id.use_count() > 1) consider(now + id->timeout);  // else nothing begins
  }
  return first;
}

bool Coordinator::is_blocked(const JournalTransaction& transaction) const {
  return !for_each_predecessor(transaction, [](const auto& other) { return other.chosen; });
}

std::size_t Coordinator::choose_with_predecessors(JournalTransaction& transaction) const {
  if (transaction.chosen) return 0;
  transaction.chosen = true;
  std::size_t bytes = transaction.bytes;
  for_each_predecessor(transaction, [&](JournalTransaction& other) {
    bytes += choose_with_predecessors(other);
    return true;
  });
  return bytes;
}

// Effect: marks the largest set of ended transactions that no other one precedes: all of them, less those
// that something outside precedes, until that takes nothing away. Two that precede each other, because
// both flushed more than once, are in it together or not at all.
void Coordinator::mark_free() {
  for (const TransactionPointer& t : ended_) t->chosen = true;
  for (bool changed = true; changed;) {
    changed = false;
    for (const TransactionPointer& t : ended_) {
      if (!t->chosen || !is_blocked(*t)) continue;
      t->chosen = false;
      changed = true;
    }
  }
}

std::vector<TransactionPointer> Coordinator::choose(std::size_t most_bytes) {
  mark_free();
  std::vector<TransactionPointer> free;
  std::size_t bytes = 0;
  for (const TransactionPointer& t : ended_) {
    if (!t->chosen) continue;
    free.push_back(t);
    bytes += t->bytes;
  }
  if (bytes > most_bytes) {
    for (const TransactionPointer& t : free) t->chosen = false;
    bytes = 0;
    for (const TransactionPointer& t : free) {
      if (bytes < most_bytes) bytes += choose_with_predecessors(*t);
    }
    std::erase_if(free, [](const TransactionPointer& t) { return !t->chosen; });
  }
  return free;
}

std::size_t Coordinator::parked_bytes() const {
  std::size_t bytes = 0;
  for (const TransactionPointer& t : ended_) {
    if (t->state == State::kParked) bytes += t->bytes;
  }
  return bytes;
}

bool Coordinator::has_room(const JournalTransaction& transaction, ParkingRoom room) const {
  const std::size_t parked = parked_bytes();
  return parked == 0 || parked + transaction.bytes <= room.bytes;
}

Coordinator::Blocked Coordinator::find_blocked(Duration ended_before, ParkingRoom room) {
  // Where something is parked already the wait has shown to be long.
  const bool is_long =
      std::ranges::find(ended_, State::kParked, &JournalTransaction::state) != ended_.end();
  const auto is_due = [&](const TransactionPointer& t) {
    return t->state == State::kCommitting && (is_long || t->ended_at <= ended_before);
  };
  if (std::ranges::none_of(ended_, is_due)) return {};
  mark_free();
  const auto found = std::ranges::find_if(
      ended_, [&](const TransactionPointer& t) { return is_due(t) && !t->chosen; });
  for (const TransactionPointer& t : ended_) t->chosen = false;
  if (found == ended_.end()) return {};
  return {*found, !has_room(**found, room)};
}

std::optional<Duration> Coordinator::blocked_since(ParkingRoom room) const {
  const auto found = std::ranges::find(ended_, State::kCommitting, &JournalTransaction::state);
  if (found == ended_.end() || !has_room(**found, room)) return std::nullopt;
  return (*found)->ended_at;
}

std::optional<std::string> Coordinator::blocker_of(const JournalTransaction& blocked) const {
  std::optional<std::string> name;
  for_each_predecessor(blocked, [&](const JournalTransaction& other) {
    if (other.state == State::kOpen) name = other.owner->name;
    return !name;
  });
  return name;
}

// Effect: tells whoever waits for the outcome, and who waits for the id to be free.
void Coordinator::outcome_is_known(JournalTransaction& transaction, const Status& status) {
  tell(transaction.waiting, status);
  TransactionalId& id = *transaction.owner;
  if (id.committing.get() != &transaction) return;
  for (JournalTransaction::Waiting& next : id.next_ones) tell(next, Status::success());
  id.next_ones.clear();
  id.committing.reset();
}

std::vector<Coordinator::Kept> Coordinator::settle(const std::vector<TransactionPointer>& chosen) {
  for (const TransactionPointer& t : chosen) {
    t->state = t->state == State::kAborting ? State::kAborted : State::kCommitted;
    t->chosen = false;
  }
  std::erase_if(ended_, [](const TransactionPointer& t) { return t->is_settled(); });
  std::vector<Kept> kept;
  for (const TransactionPointer& t : chosen) {
    for (const JournalTransaction::Touched& touched : t->touched) {
      if (touched.topic->removed()) continue;
      LivePartition& partition = *touched.topic->partition(touched.partition);
      const std::vector<std::size_t> passed = partition.settle();
      for (const std::size_t bytes : passed)
        kept.push_back({touched.topic, touched.partition, bytes});
      if (!passed.empty()) partition.wake_watchers(Isolation::kReadCommitted);
    }
    t->touched.clear();
    outcome_is_known(*t, Status::success());
  }
  return kept;
}

void Coordinator::settle_parked(const TransactionPointer& parked, Offset at) {
  parked->state = State::kParked;
  parked->parked_at = at;
  outcome_is_known(*parked, Status::success());
}

bool Coordinator::refuse(const std::vector<TransactionPointer>& chosen, const Status& why) {
  bool any = false;
  for (const TransactionPointer& t : chosen) {
    t->chosen = false;
    if (t->state != State::kCommitting) continue;
    t->state = State::kAborting;
    t->offsets.clear();
    t->bytes = 0;
    outcome_is_known(*t, why);
    any = true;
  }
  return any;
}

std::optional<Offset> Coordinator::first_parked() const {
  std::optional<Offset> first;
  for (const TransactionPointer& t : ended_) {
    if (t->state == State::kParked && !t->chosen && (!first || t->parked_at < *first))
      first = t->parked_at;
  }
  return first;
}

void Coordinator::fail(const Status& why) {
  for (const TransactionPointer& t : ended_) {
    t->chosen = false;
    tell(t->waiting, why);
  }
  for (auto& [name, id] : ids_) {
    for (JournalTransaction::Waiting& next : id->next_ones) tell(next, why);
    id->next_ones.clear();
  }
}

}  // namespace millrace::log::journal
