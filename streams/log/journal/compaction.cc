#include "log/journal/compaction.h"

#include <algorithm>

namespace millrace::log::journal {

namespace {

// What a key costs: its slot and a byte beside it, 7 of 8 slots used at most, and their number doubles.
constexpr std::size_t kKeyBytes = (sizeof(KeyDigest) + sizeof(Offset) + 1) * 2 * 8 / 7 + 1;

// Whether `ms` milliseconds have passed since `from`.
bool over(Timestamp from, std::int64_t ms, Timestamp now) {
  return to_ms(now) >= to_ms(from) && to_ms(now) - to_ms(from) >= ms;
}

void add(const RecordView& record, Offset base, RecordEncoder& to) {
  to.add(static_cast<std::int32_t>(record.offset - base), record.key, record.value,
         record.timestamp, *record.headers);
}

std::optional<FrameBatch> batch_of(const FrameBatch& origin, const RecordEncoder& records) {
  if (records.empty()) return std::nullopt;
  FrameBatch batch = origin;
  batch.records = records.records();
  batch.max_timestamp = records.max_timestamp();
  batch.encoded = records.bytes();
  return batch;
}

}  // namespace

Compaction::Compaction(const CleanupPolicy& policy, Offset start, Timestamp now, Memory memory)
    : policy_(policy),
      start_(start),
      now_(now),
      most_keys_(std::max<std::size_t>(memory.bytes / kKeyBytes, 1)) {
  newest_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(most_keys_, memory.records)));
}

// A batch from a time that has not come was written while the clock was ahead: it would hold up all that
// lies behind it until then.
bool Compaction::is_due(const CleanupPolicy& policy, Timestamp append_time, Timestamp now) {
  return policy.min_compaction_lag_ms <= 0 || append_time > now ||
         over(append_time, policy.min_compaction_lag_ms, now);
}

// Returns whether there was room for its key.
bool Compaction::note(const RecordView& record) {
  const KeyDigest key = digest_of(*record.key);
  if (const auto found = newest_.find(key); found != newest_.end()) {
    found->second = record.offset;
    return true;
  }
  if (newest_.size() >= most_keys_) return false;
  newest_.emplace(key, record.offset);
  return true;
}

bool Compaction::note(const FrameBatch& batch) {
  if (end_) return false;
  if (!is_due(policy_, batch.append_time, now_)) {
    end_ = batch.base;
    return false;
  }
  RecordDecoder decoder(batch.base, batch.encoded);
  RecordView record;
  while (decoder.next(record)) {
    if (!record.key || record.offset < start_ || note(record)) continue;
    end_ = record.offset;
    full_ = true;
    return false;
  }
  damaged_ = damaged_ || decoder.damaged();
  return true;
}

bool Compaction::stays(const RecordView& record, bool tombstones_may_go) const {
  if (record.offset < start_) return false;
  if (!record.key) return true;
  const auto newest = newest_.find(digest_of(*record.key));
  if (newest != newest_.end() && newest->second > record.offset) return false;
  return record.value.has_value() || !tombstones_may_go;
}

Compaction::Kept Compaction::keep(const FrameBatch& batch) {
  if (end_ && batch.base >= *end_) return {std::nullopt, batch};
  // In the pass that gave it this time, all older records of its keys went. Whoever had read one of
  // them has had delete.retention.ms since to come here.
  const bool tombstones_may_go =
      batch.compacted != Timestamp() && over(batch.compacted, policy_.delete_retention_ms, now_);
  const Offset end = std::min(batch.next, end_.value_or(batch.next));
  encoder_.clear();
  rest_.clear();
  RecordDecoder decoder(batch.base, batch.encoded);
  RecordView record;
  while (decoder.next(record)) {
    if (record.offset >= end) {
      add(record, end, rest_);
    } else if (stays(record, tombstones_may_go)) {
      add(record, batch.base, encoder_);
    }
  }
  damaged_ = damaged_ || decoder.damaged();
  Kept kept{batch_of(batch, encoder_), batch_of(batch, rest_)};
  if (kept.compacted) {
    kept.compacted->next = end;
    // A time that has not come is of a clock that was ahead.
    if (kept.compacted->compacted == Timestamp() || kept.compacted->compacted > now_)
      kept.compacted->compacted = std::max(now_, from_ms(1));
  }
  if (kept.rest) kept.rest->base = end;
  return kept;
}

}  // namespace millrace::log::journal
