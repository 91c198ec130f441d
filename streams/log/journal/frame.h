// A frame: what a transaction, or several that are committed together, or an order of an admin adds to
// the journal. It is in the journal if and only if its checksum holds, so all of it is or nothing
// (DESIGN §7). Byte by byte:
// docs/format/journal.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "millrace/bytes.h"
#include "millrace/ids.h"
#include "millrace/record.h"
#include "millrace/time.h"

namespace millrace::log::journal {

// Never given out twice in a directory: a topic that is made again is another one.
using TopicId = StrongInt<struct TopicIdTag, std::int32_t>;
// Frames are numbered in the order in which they are in the journal, from 1.
using FrameNumber = StrongInt<struct FrameNumberTag, std::int64_t>;

struct PartitionKey {
  TopicId topic;
  Partition partition;
  friend auto operator<=>(const PartitionKey&, const PartitionKey&) = default;
};

// Records of one partition in one frame: offsets in [base, next), ascending, with gaps where
// compaction took some. `next` is where the partition goes on: one offset is left out behind the last
// record of every transaction, so that nobody learns that offsets are contiguous. A frame may hold
// several batches of a partition, in the order of their offsets (of transactions that were committed
// together), and batches without records (of aborted ones, whose offsets are passed).
struct FrameBatch {
  PartitionKey where;
  Offset base;
  Offset next;
  std::int32_t records = 0;
  Timestamp append_time;  // the wall clock when it was appended first; kept by the cleaner
  Timestamp max_timestamp;
  BytesView encoded;  // by RecordEncoder; borrowed
  // When the cleaner first took out what newer records of the same keys replace; 0: never.
  Timestamp compacted{};
};

struct FrameOffset {
  std::string group;
  PartitionKey where;
  Offset offset;  // the next to read
  std::string metadata;
};

struct TopicMade {
  TopicId id;
  std::string name;
  std::int32_t partitions = 0;
  std::map<std::string, std::string> config;
};

struct RecordsDeleted {
  PartitionKey where;
  Offset below;
};

struct Frame {
  std::vector<FrameBatch> batches;
  std::vector<FrameOffset> offsets;
  std::vector<TopicMade> topics_made;
  std::vector<TopicId> topics_deleted;
  std::vector<RecordsDeleted> deletions;
};

// Appends records of one batch to a buffer, in the order of their offsets. Kept per partition by a
// producer while its transaction is open. Not thread-safe.
class RecordEncoder {
 public:
  // `delta`: the record's offset less the batch's base; ascending, from 0.
  void add(std::int32_t delta, OptionalBytesView key, OptionalBytesView value, Timestamp timestamp,
           const Headers& headers);
  void clear();
  bool empty() const { return records_ == 0; }
  std::int32_t records() const { return records_; }
  Timestamp max_timestamp() const { return max_timestamp_; }
  const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
  std::int32_t delta_ = -1;  // of the last record
  std::int64_t timestamp_ = 0;
  std::int32_t records_ = 0;
  Timestamp max_timestamp_ = kNoTimestamp;
};

// Walks over the records of one batch. The views live as long as the encoded bytes, headers until the
// next call. Returns false at the end; what is malformed (a foreign or damaged batch whose checksum
// holds all the same) ends it with damaged() true.
class RecordDecoder {
 public:
  RecordDecoder(Offset base, BytesView encoded) : base_(base), rest_(encoded) {}
  bool next(RecordView& record);
  bool damaged() const { return damaged_; }

 private:
  Offset base_;
  BytesView rest_;
  std::int32_t delta_ = -1;  // of the last record
  std::int64_t timestamp_ = 0;
  Headers headers_;
  bool damaged_ = false;
};

}  // namespace millrace::log::journal
