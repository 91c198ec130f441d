// RestoreListener: hears how stores are filled from their changelogs before their task runs.
//
//   class Progress final : public RestoreListener {
//    public:
//     void on_batch(const Restore& restore, std::int64_t) override {
//       gauge.set(restore.store, restore.restored, restore.total);
//     }
//   };
//
//   Progress progress;
//   app.on_restore(progress);
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "millrace/ids.h"
#include "millrace/time.h"

namespace millrace {

// One store's restore, from one partition of its changelog. Offsets may have gaps (markers of
// transactions, records that compaction took away), so they say how far it is and not how many
// records it has.
struct Restore {
  std::string store;
  TopicPartition changelog;
  Offset start;               // the first offset to read
  Offset end;                 // the offset behind the last one, as of the start of this restore
  Offset position;            // the next offset to read
  std::int64_t restored = 0;  // offsets passed
  std::int64_t total = 0;     // offsets to pass
  // How long the rest takes at the pace so far; absent before there is one.
  std::optional<Duration> remaining;
};

// Called on the thread that the store belongs to, which waits for the call: be short, and do not call
// into Streams but to ask. Calls of several threads come at once: an implementation locks for itself.
// What it throws is logged and changes nothing.
class RestoreListener {
 public:
  virtual ~RestoreListener() = default;

  // Effect: one of on_end and on_suspended follows, with any number of batches before it.
  virtual void on_start(const Restore&) {}
  // Effect: told after each batch; `records` were applied with it.
  virtual void on_batch(const Restore&, std::int64_t /*records*/) {}
  virtual void on_end(const Restore&) {}
  // The partition went to another thread or the application stops; what was filled is dropped.
  virtual void on_suspended(const Restore&) {}
};

}  // namespace millrace
