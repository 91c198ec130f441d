// A piece of a partition: records with increasing offsets and the memory that their bytes lie in.
// Bytes and headers stay where they are for the segment's life, so readers are lent views; whoever
// lends keeps the segment alive (SegmentLoan).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "log/memory/transaction_number.h"
#include "log/reader.h"
#include "millrace/record.h"

namespace millrace::log::memory {

class Segment {
 public:
  struct Entry {
    std::int64_t offset;
    std::int64_t timestamp;
    const char* bytes;  // the key, then the value
    const Headers* headers;
    std::int32_t key_size;  // −1: null
    std::int32_t value_size;
    TransactionNumber transaction;  // kNoTransaction: appended outside any
  };

  Segment() = default;
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  bool full() const { return entries_.size() >= kMostRecords || bytes_ >= kMostBytes; }

  // REQUIRES: offset is above that of every entry.
  void append(Offset offset, Timestamp timestamp, OptionalBytesView key, OptionalBytesView value,
              const Headers& headers, TransactionNumber transaction);

  std::size_t size() const { return entries_.size(); }
  const Entry& operator[](std::size_t i) const { return entries_[i]; }

  // Index of the first entry at or behind the offset; size() if there is none.
  std::size_t find(Offset offset) const;

  static OptionalBytesView key(const Entry& e) {
    if (e.key_size < 0) return std::nullopt;
    return BytesView(e.bytes, static_cast<std::size_t>(e.key_size));
  }
  static OptionalBytesView value(const Entry& e) {
    if (e.value_size < 0) return std::nullopt;
    return BytesView(e.bytes + (e.key_size > 0 ? e.key_size : 0),
                     static_cast<std::size_t>(e.value_size));
  }
  static RecordView view(const Entry& e) {
    return {key(e), value(e), from_ms(e.timestamp), Offset(e.offset), e.headers};
  }

 private:
  static constexpr std::size_t kMostRecords = 8192;
  static constexpr std::size_t kMostBytes = std::size_t{1} << 20;

  char* take(std::size_t bytes);

  std::vector<Entry> entries_;
  std::deque<Headers> headers_;
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* free_ = nullptr;
  std::size_t left_ = 0;
  std::size_t bytes_ = 0;
};

class SegmentLoan final : public RecordBatch::Owner {
 public:
  explicit SegmentLoan(std::shared_ptr<const Segment> segment) : segment_(std::move(segment)) {}

 private:
  const std::shared_ptr<const Segment> segment_;
};

}  // namespace millrace::log::memory
