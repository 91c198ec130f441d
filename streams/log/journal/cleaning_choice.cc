#include "log/journal/cleaning_choice.h"

#include <algorithm>

#include "log/journal/compaction.h"

namespace millrace::log::journal {

namespace {

// Those that may be touched: up to the first one that has no foot.
std::span<const SealedSegment> usable(const std::vector<SealedSegment>& all) {
  const auto end = std::ranges::find(all, false, &SealedSegment::has_foot);
  return {all.begin(), end};
}

bool is_frames(const SealedSegment& segment) { return segment.live.kind == SegmentKind::kFrames; }

CleanupPolicy policy_of(const Catalog& catalog, PartitionKey where) {
  const Catalog::Topic* topic = catalog.find(where.topic);
  return topic == nullptr ? CleanupPolicy() : cleanup_policy(topic->config);
}

}  // namespace

// A topic that the catalog does not know is deleted only if it was made before the catalog was taken.
bool CleaningChoice::is_dead(const Catalog& catalog, PartitionKey where, Offset next) {
  const Catalog::Topic* topic = catalog.find(where.topic);
  if (topic == nullptr) return where.topic < catalog.next_topic_id();
  return next <= topic->partitions.at(static_cast<std::size_t>(where.partition.value())).start;
}

std::vector<SegmentPtr> CleaningChoice::dead(const std::vector<SealedSegment>& all,
                                             const Catalog& catalog) const {
  std::vector<SegmentPtr> dead;
  for (const SealedSegment& segment : usable(all)) {
    const bool all_dead = std::ranges::all_of(*index_.uses(segment.segment), [&](const auto& use) {
      return is_dead(catalog, use.first, use.second.next);
    });
    if (all_dead) dead.push_back(segment.segment);
  }
  return dead;
}

// How many bytes of a partition in a segment were never compacted and can be now: up to the first batch
// that is too young.
Result<std::uint64_t> CleaningChoice::due_bytes(const SegmentPtr& segment, PartitionKey where,
                                                const Index::Use& use, const CleanupPolicy& policy,
                                                Timestamp now,
                                                std::set<PartitionKey>& too_young) const {
  if (use.dirty == 0 || policy.min_compaction_lag_ms <= 0) return use.dirty;
  if (too_young.contains(where)) return std::uint64_t{0};
  auto batches = index_.batches(segment, where);
  if (!batches.ok()) return batches.status();
  std::uint64_t passed = 0;
  std::uint64_t due = 0;
  for (const BatchEntry& entry : batches.value()) {
    passed += entry.size;
    if (passed <= use.clean()) continue;
    if (!Compaction::is_due(policy, entry.append_time, now)) {
      too_young.insert(where);
      break;
    }
    due += entry.size;
  }
  return due;
}

// The oldest segments, as far as there is enough in them that compaction or deletion may take. Copies
// come before frames.
Result<std::optional<CleaningChoice::Work>> CleaningChoice::choose(
    const std::vector<SealedSegment>& all, const Catalog& catalog, Timestamp now) {
  Work work;
  work.compacts = true;
  std::uint64_t clean = 0;  // bytes of compacted partitions
  std::uint64_t dirty = 0;  // of those, what can be compacted
  std::uint64_t bytes = 0;  // in frames
  std::uint64_t dead = 0;   // of those
  double ratio = 1;
  std::set<PartitionKey> too_young;
  std::set<PartitionKey> taken;  // partitions of the sources
  for (const SealedSegment& segment : usable(all)) {
    // What a pass makes comes where its last source was. Copies that it left where they are would then
    // lie before older records of the same partition.
    bool is_between = false;
    bool has_compacted = false;
    bool is_unfinished = false;
    const auto uses = index_.uses(segment.segment);
    for (const auto& [where, use] : *uses) {
      is_between = is_between || taken.contains(where);
      const bool is_gone = is_dead(catalog, where, use.next);
      const CleanupPolicy policy = policy_of(catalog, where);
      has_compacted = has_compacted || policy.compacts;
      if (is_frames(segment)) {
        bytes += use.bytes;
        if (is_gone) dead += use.bytes;
      }
      if (!policy.compacts || is_gone) continue;
      const auto due = due_bytes(segment.segment, where, use, policy, now, too_young);
      if (!due.ok()) return due.status();
      ratio = std::min(ratio, policy.min_dirty_ratio);
      dirty += due.value();
      clean += use.clean();
      is_unfinished = is_unfinished || (due.value() > 0 && unfinished_.contains(where));
    }
    if (!is_frames(segment) && !has_compacted && !is_between) continue;
    if (is_frames(segment)) {
      unfinished_.clear();  // nothing of it is left in copies
      is_unfinished = false;
    }
    work.sources.push_back(segment.segment);
    for (const auto& [where, use] : *uses) taken.insert(where);
    const auto enough = static_cast<double>(dirty + clean) * ratio;
    if ((dirty > 0 && (is_unfinished || static_cast<double>(dirty) >= enough)) ||
        (dead > 0 && dead >= bytes / 2)) {
      return std::optional(std::move(work));
    }
  }
  return choose_copies(all, catalog);
}

// Copies of which half is dead are copied again.
std::optional<CleaningChoice::Work> CleaningChoice::choose_copies(
    const std::vector<SealedSegment>& all, const Catalog& catalog) const {
  for (const SealedSegment& segment : usable(all)) {
    if (is_frames(segment)) continue;
    std::uint64_t bytes = 0;
    std::uint64_t dead = 0;
    for (const auto& [where, use] : *index_.uses(segment.segment)) {
      bytes += use.bytes;
      if (is_dead(catalog, where, use.next)) dead += use.bytes;
    }
    if (dead > 0 && dead >= bytes / 2) return Work{{segment.segment}, false};
  }
  return std::nullopt;
}

}  // namespace millrace::log::journal
