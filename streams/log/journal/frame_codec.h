// Frames and batches as bytes: docs/format/journal.md. Everything here takes bytes that may be
// anything at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "log/journal/frame.h"

namespace millrace::log::journal {

inline constexpr std::size_t kFrameFixedSize = 40;
inline constexpr std::size_t kBatchHeadSize = 64;

// Names the journal that a frame belongs to: frames of another one, or what is inside a record, are
// no frames here.
using JournalId = StrongInt<struct JournalIdTag, std::int64_t>;

// What is wrong, and at which byte (of whatever was read).
struct BadBytes {
  std::uint64_t at = 0;
  std::string why;
};

// Where a batch lies in its frame or file.
struct BatchPlace {
  std::uint64_t at = 0;
  std::uint32_t size = 0;
};

// Effect: appends the frame to `out` and where its batches lie, from the frame's first byte, to
// `places`. `durable`: the last frame that is known to be synced.
void encode_frame(const Frame& frame, JournalId journal, FrameNumber number, FrameNumber durable,
                  Bytes& out, std::vector<BatchPlace>& places);

// The first kFrameFixedSize bytes of a frame, not yet trusted.
struct FrameHead {
  std::uint32_t head_size = 0;  // with the table of batches and the orders
  std::uint32_t batches = 0;
  FrameNumber number;
  FrameNumber durable;
  std::uint64_t size = 0;  // of all of it
};
// nullopt: this is no frame. REQUIRES: kFrameFixedSize bytes.
std::optional<FrameHead> read_frame_head(BytesView bytes);
// Whether the checksum over the head holds. REQUIRES: head.head_size bytes.
bool frame_head_holds(const FrameHead& head, JournalId journal, BytesView bytes);

struct ParsedFrame {
  FrameNumber number;
  FrameNumber durable;
  Frame frame;  // its batches borrow the bytes
  std::vector<BatchPlace> places;
};
// Effect: checks every checksum and reads it all. `bytes`: the frame, head.size of them.
std::optional<BadBytes> parse_frame(const FrameHead& head, JournalId journal, BytesView bytes,
                                    ParsedFrame& out);

// Effect: appends one batch to `out`. Returns its checksum.
std::uint32_t encode_batch(const FrameBatch& batch, Bytes& out);
// How long the batch is that seems to begin here, not yet trusted. nullopt: none does. REQUIRES:
// kBatchHeadSize bytes.
std::optional<std::uint32_t> batch_size(BytesView bytes);
// Effect: checks and reads one batch that fills `bytes`.
std::optional<BadBytes> parse_batch(BytesView bytes, FrameBatch& out);

}  // namespace millrace::log::journal
