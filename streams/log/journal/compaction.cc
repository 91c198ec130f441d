#include "log/journal/compaction.h"

#include <algorithm>
#include <limits>

namespace millrace::log::journal {

namespace {

constexpr std::size_t kEntry = 96;  // what a key costs besides its bytes

// Whether `ms` milliseconds have passed since `from`.
bool over(Timestamp from, std::int64_t ms, Timestamp now) {
  return to_ms(now) >= to_ms(from) && to_ms(now) - to_ms(from) >= ms;
}

}  // namespace

bool Compaction::note(const FrameBatch& batch) {
  if (end_) return false;
  const bool fresh = policy_.min_compaction_lag_ms > 0 &&
                     !over(batch.append_time, policy_.min_compaction_lag_ms, now_);
  if (fresh || used_ >= memory_) {
    end_ = batch.base;
    return false;
  }
  RecordDecoder decoder(batch.base, batch.encoded);
  RecordView record;
  while (decoder.next(record)) {
    if (!record.key) continue;
    const auto [entry, is_new] = newest_.insert_or_assign(std::string(*record.key), record.offset);
    if (is_new) used_ += entry->first.size() + kEntry;
  }
  damaged_ = damaged_ || decoder.damaged();
  return true;
}

bool Compaction::stays(const RecordView& record, bool tombstones_may_go) const {
  if (record.offset < start_) return false;
  if (!record.key) return true;
  const auto newest = newest_.find(std::string(*record.key));
  if (newest != newest_.end() && newest->second > record.offset) return false;
  return record.value.has_value() || !tombstones_may_go;
}

std::optional<FrameBatch> Compaction::keep(const FrameBatch& batch) {
  if (end_ && batch.base >= *end_) return batch;
  // In the pass that gave it this time, all older records of its keys went. Whoever had read one of
  // them has had delete.retention.ms since to come here.
  const bool tombstones_may_go =
      batch.compacted != Timestamp() && over(batch.compacted, policy_.delete_retention_ms, now_);
  encoder_.clear();
  RecordDecoder decoder(batch.base, batch.encoded);
  RecordView record;
  while (decoder.next(record)) {
    if (!stays(record, tombstones_may_go)) continue;
    encoder_.add(static_cast<std::int32_t>(record.offset - batch.base), record.key, record.value,
                 record.timestamp, *record.headers);
  }
  damaged_ = damaged_ || decoder.damaged();
  if (encoder_.empty()) return std::nullopt;
  FrameBatch kept = batch;
  kept.records = encoder_.records();
  kept.max_timestamp = encoder_.max_timestamp();
  kept.encoded = encoder_.bytes();
  if (kept.compacted == Timestamp()) kept.compacted = std::max(now_, from_ms(1));
  return kept;
}

}  // namespace millrace::log::journal
