#include "log/journal/index.h"

#include <algorithm>
#include <utility>

namespace millrace::log::journal {

namespace {

std::shared_ptr<const Index::Uses> uses_of(const SegmentPages& pages) {
  auto uses = std::make_shared<Index::Uses>();
  for (const auto& [where, sealed] : pages) {
    (*uses)[where] = {sealed.pages.front().base, sealed.pages.back().next, sealed.bytes,
                      sealed.dirty};
  }
  return uses;
}

}  // namespace

Result<PageCache::Entries> PageCache::get(const SegmentPtr& segment, PartitionKey where,
                                          const IndexPage& page) {
  {
    const std::lock_guard lock(mutex_);
    for (auto slot = slots_.begin(); slot != slots_.end(); ++slot) {
      if (slot->segment != segment || slot->at != page.at) continue;
      slots_.splice(slots_.begin(), slots_, slot);
      return slot->entries;
    }
  }
  Bytes bytes(page.size, '\0');
  const Status read = segment->read(page.at, bytes);
  if (!read.ok()) return read;
  auto entries = std::make_shared<std::vector<BatchEntry>>();
  if (!read_page(bytes, where, *entries) || entries->empty() || entries->back().next != page.next) {
    return damaged(segment->path(), page.at, "a page of its index is damaged");
  }
  const std::lock_guard lock(mutex_);
  slots_.push_front({segment, page.at, entries});
  if (slots_.size() > kSlots) slots_.pop_back();
  return Entries(entries);
}

void PageCache::clear() {
  const std::lock_guard lock(mutex_);
  slots_.clear();
}

void Index::add(const SegmentPtr& segment, SegmentPages pages) {
  auto uses = uses_of(pages);
  const std::lock_guard lock(mutex_);
  uses_[segment] = std::move(uses);
  for (auto& [where, sealed] : pages) {
    const std::uint64_t bytes = sealed.bytes;
    parts_[where].push_back({segment, std::move(sealed), {}, bytes});
  }
}

void Index::add(const SegmentPtr& segment, SegmentEntries entries) {
  const std::lock_guard lock(mutex_);
  for (auto& [where, batches] : entries) {
    if (batches.empty()) continue;
    std::uint64_t bytes = 0;
    for (const BatchEntry& batch : batches) bytes += batch.size;
    parts_[where].push_back({segment, {}, std::move(batches), bytes});
  }
}

void Index::add(const SegmentPtr& segment, const std::vector<FrameBatch>& batches,
                const std::vector<BatchEntry>& entries) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    std::vector<Part>& parts = parts_[batches[i].where];
    if (parts.empty() || parts.back().segment != segment) parts.push_back({segment, {}, {}, 0});
    parts.back().entries.push_back(entries[i]);
    parts.back().bytes += entries[i].size;
  }
}

SegmentEntries Index::entries(const SegmentPtr& segment) const {
  const std::lock_guard lock(mutex_);
  SegmentEntries all;
  for (const auto& [where, parts] : parts_) {
    const auto part = std::ranges::find(parts, segment, &Part::segment);
    if (part != parts.end()) all[where] = part->entries;
  }
  return all;
}

void Index::seal(const SegmentPtr& segment, SegmentPages pages) {
  auto uses = uses_of(pages);
  const std::lock_guard lock(mutex_);
  uses_[segment] = std::move(uses);
  for (auto& [where, sealed] : pages) {
    for (Part& part : parts_[where]) {
      if (part.segment != segment) continue;
      part.sealed = std::move(sealed);
      part.entries = {};
      break;
    }
  }
}

void Index::move(const SegmentPtr& segment, std::uint64_t from, const SegmentPtr& other,
                 std::uint64_t to) {
  const std::lock_guard lock(mutex_);
  for (auto& [where, parts] : parts_) {
    if (parts.empty() || parts.back().segment != segment) continue;
    Part& part = parts.back();
    const auto first = std::ranges::partition_point(
        part.entries, [&](const BatchEntry& entry) { return entry.at < from; });
    if (first == part.entries.end()) continue;
    Part moved{other, {}, {first, part.entries.end()}, 0};
    for (BatchEntry& entry : moved.entries) {
      entry.at = entry.at - from + to;
      moved.bytes += entry.size;
    }
    part.entries.erase(first, part.entries.end());
    part.bytes -= moved.bytes;
    if (part.entries.empty()) parts.pop_back();
    parts.push_back(std::move(moved));
  }
}

std::shared_ptr<const Index::Uses> Index::uses(const SegmentPtr& segment) const {
  const std::lock_guard lock(mutex_);
  return uses_.at(segment);
}

Result<std::vector<BatchEntry>> Index::batches(const SegmentPtr& segment,
                                               PartitionKey where) const {
  std::vector<IndexPage> pages;
  {
    const std::lock_guard lock(mutex_);
    const auto found = parts_.find(where);
    if (found == parts_.end()) return std::vector<BatchEntry>();
    const auto part = std::ranges::find(found->second, segment, &Part::segment);
    if (part == found->second.end()) return std::vector<BatchEntry>();
    if (!part->entries.empty()) return part->entries;
    pages = part->sealed.pages;
  }
  std::vector<BatchEntry> all;
  for (const IndexPage& page : pages) {
    auto entries = pages_.get(segment, where, page);
    if (!entries.ok()) return entries.status();
    all.insert(all.end(), entries.value()->begin(), entries.value()->end());
  }
  return all;
}

void Index::replace(const std::vector<SegmentPtr>& gone,
                    std::vector<std::pair<SegmentPtr, SegmentPages>> come) {
  std::set<PartitionKey> touched;
  for (const SegmentPtr& segment : gone) {
    for (const auto& [where, use] : *uses(segment)) touched.insert(where);
  }
  for (const auto& [segment, pages] : come) {
    auto uses = uses_of(pages);
    const std::lock_guard lock(mutex_);
    uses_[segment] = std::move(uses);
  }
  const std::set<SegmentPtr> are_gone(gone.begin(), gone.end());
  for (const PartitionKey where : touched) replace(where, are_gone, come);
  pages_.clear();
  for (const SegmentPtr& segment : gone) {
    const std::lock_guard lock(mutex_);
    uses_.erase(segment);
  }
}

void Index::replace(PartitionKey where, const std::set<SegmentPtr>& gone,
                    std::vector<std::pair<SegmentPtr, SegmentPages>>& come) {
  std::vector<Part> now;
  for (auto& [segment, pages] : come) {
    const auto found = pages.find(where);
    if (found == pages.end()) continue;
    const std::uint64_t bytes = found->second.bytes;
    now.push_back({segment, std::move(found->second), {}, bytes});
  }
  const std::lock_guard lock(mutex_);
  std::vector<Part>& parts = parts_.at(where);
  now.reserve(now.size() + parts.size());  // what follows cannot fail half way
  const auto is_gone = [&](const Part& part) { return gone.contains(part.segment); };
  const auto first = std::ranges::find_if(parts, is_gone);
  now.insert(now.begin(), std::make_move_iterator(parts.begin()), std::make_move_iterator(first));
  for (auto part = first; part != parts.end(); ++part) {
    if (!is_gone(*part)) now.push_back(std::move(*part));
  }
  if (now.empty()) {
    parts_.erase(where);
  } else {
    parts.swap(now);  // what goes is freed without the mutex
  }
}

Result<Offset> Index::start_without(PartitionKey where, Offset start,
                                    const Retention& retention) const {
  struct Piece {
    SegmentPtr segment;
    Offset next;
    std::uint64_t bytes;
  };
  std::vector<Piece> pieces;
  std::uint64_t left = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = parts_.find(where);
    if (found == parts_.end()) return start;
    for (const Part& part : found->second) {
      if (part.next() <= start) continue;
      pieces.push_back({part.segment, part.next(), part.bytes});
      left += part.bytes;
    }
  }
  Offset from = start;
  for (const Piece& piece : pieces) {
    auto entries = batches(piece.segment, where);
    if (!entries.ok()) return entries.status();
    for (const BatchEntry& entry : entries.value()) {
      if (entry.next <= start) {
        left -= entry.size;
        continue;
      }
      const bool late = retention.limit && entry.append_time < *retention.limit;
      const bool much = retention.keep && left - entry.size >= *retention.keep;
      // The clock was ahead. It is older than what lies behind it, and goes with that; else it would keep
      // everything until its time has come.
      const bool unknown = retention.limit && entry.append_time > retention.now;
      if (!late && !much && !unknown) return from;
      left -= entry.size;
      if (late || much) from = entry.next;
    }
  }
  return from;
}

template <class Fits>
std::optional<Index::Step> Index::first(PartitionKey where, Offset offset, Fits fits) const {
  const std::lock_guard lock(mutex_);
  const auto found = parts_.find(where);
  if (found == parts_.end()) return std::nullopt;
  const std::vector<Part>& parts = found->second;
  auto part =
      std::ranges::partition_point(parts, [&](const Part& p) { return p.next() <= offset; });
  for (; part != parts.end(); ++part) {
    const auto behind = [&](const auto& piece) { return piece.next <= offset; };
    for (auto entry = std::ranges::partition_point(part->entries, behind);
         entry != part->entries.end(); ++entry) {
      if (fits(*entry)) return Step{part->segment, *entry, {}};
    }
    for (auto page = std::ranges::partition_point(part->sealed.pages, behind);
         page != part->sealed.pages.end(); ++page) {
      if (fits(*page)) return Step{part->segment, std::nullopt, *page};
    }
  }
  return std::nullopt;
}

template <class Fits>
Result<std::optional<BatchLocation>> Index::search(PartitionKey where, Offset offset,
                                                   Fits fits) const {
  const auto location = [&](const SegmentPtr& segment, const BatchEntry& entry) {
    return std::optional(
        BatchLocation{where, segment, entry.at, entry.size, entry.base, entry.next});
  };
  for (;;) {
    const auto step = first(where, offset, fits);
    if (!step) return std::optional<BatchLocation>();
    if (step->entry) return location(step->segment, *step->entry);
    auto entries = pages_.get(step->segment, where, step->page);
    if (!entries.ok()) return entries.status();
    const std::vector<BatchEntry>& page = *entries.value();
    for (auto entry = std::ranges::partition_point(
             page, [&](const BatchEntry& e) { return e.next <= offset; });
         entry != page.end(); ++entry) {
      if (fits(*entry)) return location(step->segment, *entry);
    }
    offset = step->page.next;  // what fits lies below the offset: the next page
  }
}

Result<std::optional<BatchLocation>> Index::find(PartitionKey where, Offset offset) const {
  return search(where, offset, [](const auto&) { return true; });
}

Result<std::optional<BatchLocation>> Index::find_time(PartitionKey where, Timestamp at_least,
                                                      Offset from) const {
  return search(where, from, [&](const auto& piece) { return piece.max_timestamp >= at_least; });
}

std::uint64_t Index::bytes(PartitionKey where) const {
  const std::lock_guard lock(mutex_);
  const auto found = parts_.find(where);
  std::uint64_t bytes = 0;
  if (found == parts_.end()) return bytes;
  for (const Part& part : found->second) bytes += part.bytes;
  return bytes;
}

}  // namespace millrace::log::journal
