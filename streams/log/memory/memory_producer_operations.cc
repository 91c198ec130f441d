// What a producer's operations do once they reach the coordinator, faults included.
#include <algorithm>
#include <utility>

#include "log/memory/memory_producer.h"

namespace millrace::log::memory {

namespace {
constexpr Duration kLongestTransaction{900'000};  // Kafka's transaction.max.timeout.ms
}

void MemoryProducer::perform(Init) {
  Hostility& hostility = broker_.hostility;
  if (options_.transaction_timeout <= Duration(0) ||
      options_.transaction_timeout > kLongestTransaction) {
    complete(Status::fatal("the transaction time-out is not between 1 ms and 15 min"));
    return;
  }
  if (hostility.strikes(hostility.options().one_in_init_failure, coordinator_.faults())) {
    ++hostility.counts().init_failures;
    complete(Status::retry("the coordinator is loading"));
    return;
  }
  if (coordinator_.number() != kNoTransaction) coordinator_.fence();
  if (coordinator_.ending()) {
    wake();
    return;
  }
  producer_epoch_ = coordinator_.init(options_.transaction_timeout);
  state_ = State::kReady;
  complete(Status::success());
}

void MemoryProducer::perform(Flush) {
  if (dead_.ok()) {
    broker_.groups.disturb();
    struck_by_fence();
  }
  if (!dead_.ok()) {
    complete(dead_, FlushDone{});
  } else if (state_ == State::kMustAbort) {
    complete(Status::abort("a record of the transaction was not delivered"), flushed());
  } else {
    complete(Status::success(), flushed());
  }
}

void MemoryProducer::perform(Commit& commit) {
  Status status = dead_;
  if (dead_.ok() && state_ == State::kMustAbort) {
    status = Status::abort(
        "a record of the transaction was not delivered, or its commit was refused before");
  } else if (dead_.ok()) {
    status = commit_with_faults(commit);
  }
  if (status.ok()) {
    state_ = State::kReady;
    ++broker_.hostility.counts().commits;
    coordinator_.faults().length = 0;
    if (!commit.offsets.empty()) broker_.groups.find(commit.token.group).committed();
  } else if (status.consequence() == Consequence::kAbort) {
    state_ = State::kMustAbort;
  } else if (dead_.ok()) {
    dead_ = status;
  }
  complete(std::move(status));
}

Status MemoryProducer::commit_with_faults(Commit& commit) {
  Hostility& hostility = broker_.hostility;
  const HostileOptions& options = hostility.options();
  broker_.groups.disturb();
  if (struck_by_fence()) return dead_;
  if (hostility.strikes(options.one_in_abort, coordinator_.faults())) {
    ++hostility.counts().aborts;
    Status put = Status::success();
    if (hostility.random().one_in(2)) {
      put = broker_.transactions.put_offsets(coordinator_, producer_epoch_, commit.offsets,
                                             commit.token);
    }
    return put.ok() ? Status::abort("the offsets could not be put in time") : put;
  }
  if (hostility.strikes(options.one_in_unknown, coordinator_.faults()))
    return commit_unknown(commit);
  return broker_.transactions.commit(coordinator_, producer_epoch_, commit.offsets, commit.token);
}

Status MemoryProducer::commit_unknown(Commit& commit) {
  Hostility& hostility = broker_.hostility;
  ++hostility.counts().unknown_outcomes;
  // Three of eight take effect at once, two arrive late, three never: with those of the late that
  // find their transaction still open about one half.
  switch (hostility.random().below(8)) {
    case 0:
    case 1:
    case 2: {
      const Status status =
          broker_.transactions.commit(coordinator_, producer_epoch_, commit.offsets, commit.token);
      if (status.ok()) ++hostility.counts().unknown_committed;
      break;
    }
    case 3:
    case 4:
      broker_.transactions.commit_late(coordinator_, producer_epoch_, commit.offsets, commit.token);
      break;
    default:
      break;
  }
  return poison();
}

void MemoryProducer::perform(Abort) {
  Status status = dead_.ok() ? abort_with_faults() : dead_;
  if (status.ok()) {
    state_ = State::kReady;
    const HostileOptions& options = broker_.hostility.options();
    // A failed delivery leaves a gap in the client's sequence numbers that costs it the next
    // transaction as well, as librdkafka shows on a real broker.
    sequence_broken_ = has_sequence_gap_ && options.one_in_delivery_failure > 0 &&
                       broker_.hostility.random().one_in(2);
  }
  complete(std::move(status));
}

Status MemoryProducer::abort_with_faults() {
  Hostility& hostility = broker_.hostility;
  if (struck_by_fence()) return dead_;
  if (hostility.strikes(hostility.options().one_in_unknown, coordinator_.faults())) {
    ++hostility.counts().unknown_outcomes;
    if (hostility.random().one_in(2)) coordinator_.end(false);
    return poison();
  }
  coordinator_.end(false);
  return Status::success();
}

// Effect, hostile: perhaps the coordinator ends the transaction and fences this producer now.
bool MemoryProducer::struck_by_fence() {
  Hostility& hostility = broker_.hostility;
  if (!hostility.strikes(hostility.options().one_in_fence, coordinator_.faults())) return false;
  ++hostility.counts().fences;
  coordinator_.fence();
  dead_ = fenced_status();
  return true;
}

// Effect: nothing succeeds on this producer any more. Returns what its operation ends with.
Status MemoryProducer::poison() {
  dead_ = Status::fenced("an earlier operation of this producer has no known outcome");
  return Status::unknown("the answer did not come in time");
}

FlushDone MemoryProducer::flushed() const {
  FlushDone done;
  for (const Touched& t : touched_) {
    const Sink& sink = sinks_[static_cast<std::size_t>(t.sink.value())];
    const auto p = static_cast<std::size_t>(t.partition.value());
    if (p >= sink.written.size() || sink.written[p].first == kNoOffset) continue;
    done.written.push_back({{sink.name, t.partition}, sink.written[p].first, sink.written[p].last});
  }
  std::ranges::sort(done.written, {}, &WrittenRange::where);
  return done;
}

}  // namespace millrace::log::memory
