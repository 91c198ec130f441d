// Parking: what makes a commit durable whose records cannot go to their places yet, because a
// transaction with lower offsets in one of its partitions is still open.
//
// The records are written as one record of a topic of the journal's own, together with the offsets that
// the transaction commits. Once nothing lower is open they are written in their places, and the record
// is deleted in the same frame. What is found parked when a journal is opened goes to its place at once:
// whatever was open then is gone.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "log/journal/catalog.h"
#include "log/journal/frame_store.h"
#include "log/journal/journal_transaction.h"
#include "millrace/clock.h"

namespace millrace::log::journal {

inline constexpr std::string_view kParkingTopic = "__millrace_parked";

// A frame and whose bytes it borrows.
struct OwnedFrame {
  Frame frame;
  std::vector<std::shared_ptr<const Bytes>> bytes;
};

// The frame that makes the parking topic; nullopt: it is there.
std::optional<Frame> make_parking_topic(const Catalog& catalog);

// The frame that parks the transaction. REQUIRES: the parking topic is there.
OwnedFrame park(const JournalTransaction& transaction, const Catalog& catalog, Timestamp now);

// What goes into the frame that brings parked transactions to their places: all below `first_left` is
// there then (nullopt: nothing is parked any more).
RecordsDeleted unpark(const Catalog& catalog, std::optional<Offset> first_left);

// The frame that brings everything parked to its place, but for what is there already; nullopt: nothing
// is parked. It may be longer than a frame may be: its batches can be written one after the other, with
// the deletion behind the last.
// Errors: kFatal, the journal is damaged.
Result<std::optional<OwnedFrame>> place_parked(const FrameStore& store, const Catalog& catalog);

}  // namespace millrace::log::journal
