#include "rocks/merged_batches.h"

#include <algorithm>
#include <cstdint>

namespace millrace::state::rocks {

namespace {

// An entry and its place in the order of all. The first bytes of the key decide most comparisons
// without a look at the rest.
struct Placed {
  std::uint64_t head;
  std::uint32_t batch;
  std::uint32_t entry;
  BytesView key;
};

std::uint64_t head_of(BytesView key) {
  char bytes[8] = {};
  key.copy(bytes, sizeof bytes);
  return detail::load_int<std::uint64_t>(bytes);
}

struct Dropped {
  std::uint32_t batch;
  CommitBatch::Range range;
};

}  // namespace

MergedBatches merge(const std::vector<const CommitBatch*>& batches) {
  MergedBatches merged;
  std::vector<Dropped> dropped;
  std::vector<Placed> placed;
  std::size_t count = 0;
  for (const CommitBatch* batch : batches) count += batch->entries();
  placed.reserve(count);
  for (std::uint32_t b = 0; b < batches.size(); ++b) {
    const CommitBatch& batch = *batches[b];
    for (std::uint32_t i = 0; i < batch.entries(); ++i) {
      const BytesView key = batch.entry(i).key;
      placed.push_back({head_of(key), b, i, key});
    }
    for (std::size_t i = 0; i < batch.drops(); ++i) {
      merged.drops.push_back(batch.dropped(i));
      dropped.push_back({b, batch.dropped(i)});
    }
    for (std::size_t i = 0; i < batch.facts(); ++i) {
      const CommitBatch::Fact fact = batch.fact(i);
      merged.facts[fact.name] = fact.value;
    }
    if (batch.complete_as_of() != kNoTimestamp) merged.complete_as_of = batch.complete_as_of();
    if (batch.last() != kNoOffset) merged.offset = {batch.last(), batch.last_stamped()};
  }
  std::sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    if (a.head != b.head) return a.head < b.head;
    if (const int order = a.key.compare(b.key); order != 0) return order < 0;
    if (a.batch != b.batch) return a.batch > b.batch;
    return a.entry > b.entry;  // the newest first
  });
  // A batch drops once its own entries are there (CommitBatch::drop), so it drops them, too.
  const auto goes = [&](const Placed& at) {
    return std::any_of(dropped.begin(), dropped.end(), [&](const Dropped& d) {
      return d.batch >= at.batch && at.key >= d.range.from && at.key < d.range.to;
    });
  };
  merged.entries.reserve(placed.size());
  for (std::size_t i = 0; i < placed.size(); ++i) {
    if (i > 0 && placed[i].key == placed[i - 1].key) continue;
    if (goes(placed[i])) continue;
    const CommitBatch::Entry entry = batches[placed[i].batch]->entry(placed[i].entry);
    merged.entry_bytes += entry.key.size() + (entry.value ? entry.value->size() : 0);
    merged.entries.push_back(entry);
  }
  return merged;
}

}  // namespace millrace::state::rocks
