// Punctuation: a processor asks to be called now and then.
//
//   void init() override {
//     context().schedule(10min, PunctuationType::kWallClockTime, [this](Timestamp now) { sweep(now); });
//   }
//
// A call runs between two records of its task, in the same transaction: what it forwards and stores is
// committed or undone with them, and repeated, with the same time, where a transaction is repeated.
#pragma once

#include <cstdint>

#include "millrace/time.h"

namespace millrace {

namespace graph {
class ProcessorHost;
}

enum class PunctuationType {
  // Calls follow the task's stream time: the greatest timestamp of any record that it took. The first
  // comes as soon as the task has a stream time, the next when that passes the next multiple of the
  // interval. Without new records there are no calls (SEMANTICS R-P1).
  kStreamTime,
  // Calls follow the wall clock; the first comes one interval after schedule() (R-P2).
  kWallClockTime,
};

// Ends a schedule. A small value; copies mean the same schedule. Lifetime: that of the processor
// that made it. Not thread-safe.
class Cancellable {
 public:
  // Of no schedule.
  Cancellable() = default;
  Cancellable(graph::ProcessorHost& host, std::int64_t schedule)
      : host_(&host), schedule_(schedule) {}

  // Effect: no call any more. May be called from within one, and again.
  void cancel();

 private:
  graph::ProcessorHost* host_ = nullptr;
  std::int64_t schedule_ = 0;
};

}  // namespace millrace
