// A transaction from its first flush until it is settled: its records are durable and in their
// place, or dropped.
//
//   kOpen ──▶ kCommitting ──▶ kCommitted          written in its place; the usual way
//     │            └─▶ kParked ──▶ kCommitted     durable, and behind one that is open: parking.h
//     └─────▶ kAborting ──▶ kAborted              its offsets are passed once that is durable
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "log/inbox.h"
#include "log/journal/frame.h"

namespace millrace::log::journal {

class LiveTopic;
struct TransactionalId;

struct JournalTransaction {
  enum class State { kOpen, kCommitting, kParked, kCommitted, kAborting, kAborted };

  struct Touched {
    std::shared_ptr<LiveTopic> topic;
    Partition partition;
    Offset first;
    Offset last;
  };

  // Whoever waits for the end of a commit; nullptr: nobody any more.
  struct Waiting {
    Inbox* inbox = nullptr;
    Epoch epoch{};
    OperationId operation = kNoOperation;
  };

  bool has_ended() const { return state != State::kOpen; }
  bool is_settled() const { return state == State::kCommitted || state == State::kAborted; }

  std::shared_ptr<TransactionalId> owner;
  State state = State::kOpen;
  Duration deadline{};  // on the monotonic clock: aborted then, if still open
  std::vector<Touched> touched;
  std::size_t bytes = 0;  // in a frame, about

  // From submit_commit() on.
  std::string group;
  std::vector<FrameOffset> offsets;
  Waiting waiting;
  Duration ended_at{};
  Offset parked_at = kNoOffset;  // in the parking topic
  bool chosen = false;           // goes into the frame that is being written
};

}  // namespace millrace::log::journal
