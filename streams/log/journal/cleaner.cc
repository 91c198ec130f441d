#include "log/journal/cleaner.h"

#include <algorithm>
#include <set>
#include <utility>

#include "log/journal/batch_reader.h"
#include "log/journal/compaction.h"
#include "millrace/detail/failpoint.h"

namespace millrace::log::journal {

// What is under way.
struct Cleaner::Pass {
  std::vector<SealedSegment> before;  // all there were when it began
  std::vector<SegmentPtr> sources;    // in the order of their offsets
  bool compacts = false;              // compacted partitions go to files of their own
  std::vector<PartitionKey> partitions;
  std::size_t next = 0;  // the next of them
  std::unique_ptr<CopiesWriter> plain;
  std::unique_ptr<CopiesWriter> compacted;
  std::vector<CopiesWriter::Finished> done;
  std::uint64_t read = 0;
};

namespace {

// Those that may be touched: up to the first one that has no foot.
std::vector<SealedSegment> usable(std::vector<SealedSegment> all) {
  const auto end = std::ranges::find(all, false, &SealedSegment::has_foot);
  all.erase(end, all.end());
  return all;
}

bool is_frames(const SealedSegment& segment) { return segment.live.kind == SegmentKind::kFrames; }

}  // namespace

Cleaner::Cleaner(const Directory& directory, CleanerOptions options, Manifest manifest,
                 SealedSegments& sealed, Index& index, Logger& logger)
    : directory_(directory),
      options_(options),
      manifest_(std::move(manifest)),
      sealed_(sealed),
      index_(index),
      logger_(logger) {}

Cleaner::~Cleaner() = default;

// A topic that the catalog does not know is deleted only if it was made before the catalog was taken.
bool Cleaner::is_dead(const Catalog& catalog, PartitionKey where, Offset next) const {
  const Catalog::Topic* topic = catalog.find(where.topic);
  if (topic == nullptr) return where.topic < catalog.next_topic_id();
  return next <= topic->partitions.at(static_cast<std::size_t>(where.partition.value())).start;
}

Result<bool> Cleaner::clean(const Catalog& catalog, Timestamp now, std::uint64_t budget) {
  if (!ended_.ok()) return ended_;
  if (!pass_) {
    auto taken = take_away_dead(catalog);
    if (!taken.ok()) return taken.status();
    pass_ = choose(catalog);
    if (!pass_) return false;
  }
  pass_->read = 0;
  while (pass_->next < pass_->partitions.size()) {
    const Status status = copy_partition(*pass_, catalog, now);
    if (!status.ok()) {
      abandon();
      return status;
    }
    ++pass_->next;
    if (pass_->read >= budget) return true;
  }
  const Status status = finish(*pass_);
  if (!status.ok()) {
    if (ended_.ok()) abandon();  // else the manifest may name what was made
    return status;
  }
  pass_.reset();
  return true;
}

Status Cleaner::failed(const FileError& error) {
  if (error.is_full()) {
    return Status::retry("cleaning the journal needs room: " + error.what +
                         ". Nothing was lost; it is tried again");
  }
  ended_ = Status::fatal("the journal is not cleaned any more: " + error.what +
                         ". Nothing was lost; it goes on growing until it is opened again");
  return ended_;
}

void Cleaner::abandon() {
  for (const CopiesWriter::Finished& done : pass_->done) {
    (void)directory_.files().remove(done.segment.segment->path());
  }
  pass_.reset();
}

// --- what is worth it ----------------------------------------------------------------------------

Result<bool> Cleaner::take_away_dead(const Catalog& catalog) {
  const std::vector<SealedSegment> before = sealed_.all();
  std::vector<SegmentPtr> dead;
  for (const SealedSegment& segment : usable(before)) {
    const auto uses = index_.uses(segment.segment);
    const bool all_dead = std::ranges::all_of(
        uses, [&](const auto& use) { return is_dead(catalog, use.first, use.second.next); });
    if (all_dead) dead.push_back(segment.segment);
  }
  if (dead.empty()) return false;
  const Status status = install(before, dead, {});
  if (!status.ok()) return status;
  return true;
}

std::unique_ptr<Cleaner::Pass> Cleaner::choose(const Catalog& catalog) const {
  std::vector<SealedSegment> all = sealed_.all();
  const std::vector<SealedSegment> open = usable(all);
  auto pass = std::make_unique<Pass>();
  const auto policy_of = [&](PartitionKey where) {
    const Catalog::Topic* topic = catalog.find(where.topic);
    return topic == nullptr ? CleanupPolicy() : cleanup_policy(topic->config);
  };
  std::uint64_t clean = 0;  // bytes of compacted partitions in copies
  std::uint64_t bytes = 0;  // in frames
  std::uint64_t dead = 0;
  std::uint64_t dirty = 0;
  double ratio = 1;
  for (const SealedSegment& segment : open) {
    const auto uses = index_.uses(segment.segment);
    bool has_compacted = false;
    for (const auto& [where, use] : uses) {
      const bool is_gone = is_dead(catalog, where, use.next);
      const CleanupPolicy policy = policy_of(where);
      has_compacted = has_compacted || policy.compacts;
      if (is_frames(segment)) {
        bytes += use.bytes;
        if (is_gone) dead += use.bytes;
      }
      if (!policy.compacts || is_gone) continue;
      ratio = std::min(ratio, policy.min_dirty_ratio);
      (is_frames(segment) ? dirty : clean) += use.bytes;
    }
    if (!is_frames(segment)) {
      if (has_compacted) pass->sources.push_back(segment.segment);
      continue;
    }
    pass->sources.push_back(segment.segment);
    const auto enough = static_cast<double>(dirty + clean) * ratio;
    if ((dirty > 0 && static_cast<double>(dirty) >= enough) || (dead > 0 && dead >= bytes / 2)) {
      pass->compacts = true;
      pass->before = std::move(all);
      begin(*pass, catalog);
      return pass;
    }
  }
  return choose_copies(catalog, all);
}

// Copies of which half is dead are copied again.
std::unique_ptr<Cleaner::Pass> Cleaner::choose_copies(const Catalog& catalog,
                                                      const std::vector<SealedSegment>& all) const {
  for (const SealedSegment& segment : usable(all)) {
    if (is_frames(segment)) continue;
    std::uint64_t bytes = 0;
    std::uint64_t dead = 0;
    for (const auto& [where, use] : index_.uses(segment.segment)) {
      bytes += use.bytes;
      if (is_dead(catalog, where, use.next)) dead += use.bytes;
    }
    if (dead == 0 || dead < bytes / 2) continue;
    auto pass = std::make_unique<Pass>();
    pass->before = all;
    pass->sources = {segment.segment};
    begin(*pass, catalog);
    return pass;
  }
  return nullptr;
}

void Cleaner::begin(Pass& pass, const Catalog& catalog) const {
  std::set<PartitionKey> partitions;
  for (const SegmentPtr& source : pass.sources) {
    for (const auto& [where, use] : index_.uses(source)) {
      if (!is_dead(catalog, where, use.next)) partitions.insert(where);
    }
  }
  pass.partitions.assign(partitions.begin(), partitions.end());
}

// --- copying -------------------------------------------------------------------------------------

Status Cleaner::copy_partition(Pass& pass, const Catalog& catalog, Timestamp now) {
  const PartitionKey where = pass.partitions[pass.next];
  const Catalog::Topic* topic = catalog.find(where.topic);
  if (topic == nullptr && where.topic < catalog.next_topic_id()) return Status::success();
  if (topic != nullptr && pass.compacts && cleanup_policy(topic->config).compacts) {
    return compact(pass, where, *topic, now);
  }
  Bytes buffer;
  for (const SegmentPtr& source : pass.sources) {
    auto batches = index_.batches(source, where);
    if (!batches.ok()) return batches.status();
    for (const BatchEntry& entry : batches.value()) {
      if (is_dead(catalog, where, entry.next)) continue;
      auto batch =
          read_batch({where, source, entry.at, entry.size, entry.base, entry.next}, buffer);
      if (!batch.ok()) return batch.status();
      pass.read += entry.size;
      const Status status = write(pass, batch.value(), false, now);
      if (!status.ok()) return status;
    }
  }
  return Status::success();
}

Status Cleaner::compact(Pass& pass, PartitionKey where, const Catalog::Topic& topic,
                        Timestamp now) {
  const Offset start = topic.partitions.at(static_cast<std::size_t>(where.partition.value())).start;
  Compaction compaction(cleanup_policy(topic.config), start, now, options_.key_memory);
  Bytes buffer;
  for (const bool noting : {true, false}) {
    for (const SegmentPtr& source : pass.sources) {
      auto batches = index_.batches(source, where);
      if (!batches.ok()) return batches.status();
      for (const BatchEntry& entry : batches.value()) {
        if (entry.next <= start) continue;
        auto batch =
            read_batch({where, source, entry.at, entry.size, entry.base, entry.next}, buffer);
        if (!batch.ok()) return batch.status();
        pass.read += entry.size;
        if (noting) {
          if (batch.value().compacted == Timestamp()) (void)compaction.note(batch.value());
        } else if (const auto kept = compaction.keep(batch.value())) {
          const Status status = write(pass, *kept, true, now);
          if (!status.ok()) return status;
        }
        if (compaction.damaged()) {
          return damaged(source->path(), entry.at, "the records of a batch are malformed");
        }
      }
    }
  }
  return Status::success();
}

Status Cleaner::write(Pass& pass, const FrameBatch& batch, bool compacted, Timestamp now) {
  std::unique_ptr<CopiesWriter>& writer = compacted ? pass.compacted : pass.plain;
  if (!writer) {
    auto made = CopiesWriter::make(directory_, manifest_.journal, manifest_.next_copies, now);
    if (!made.ok()) return failed(made.error());
    ++manifest_.next_copies;
    writer = std::move(made.value());
  }
  if (const auto error = writer->add(batch)) return failed(*error);
  return writer->size() < options_.segment_bytes ? Status::success() : finish_writer(pass, writer);
}

Status Cleaner::finish_writer(Pass& pass, std::unique_ptr<CopiesWriter>& writer) {
  auto finished = writer->finish();
  if (!finished.ok()) return failed(finished.error());
  writer.reset();
  pass.done.push_back(std::move(finished.value()));
  return Status::success();
}

// --- taking effect -------------------------------------------------------------------------------

Status Cleaner::finish(Pass& pass) {
  for (auto* writer : {&pass.compacted, &pass.plain}) {
    if (!*writer) continue;
    const Status status = finish_writer(pass, *writer);
    if (!status.ok()) return status;
  }
  MR_FAILPOINT("clean.copied");
  return install(pass.before, pass.sources, std::move(pass.done));
}

// The copies come where the last of what goes was: what stays before it is older in every partition.
Status Cleaner::install(const std::vector<SealedSegment>& before,
                        const std::vector<SegmentPtr>& gone,
                        std::vector<CopiesWriter::Finished> come) {
  std::vector<SealedSegment> after;
  Manifest manifest = manifest_;
  manifest.live.clear();
  bool listed = true;
  for (const SealedSegment& segment : before) {
    listed = listed && segment.has_foot;
    // The last of them may have gone already: what was said does not go back.
    if (listed && is_frames(segment) && segment.live.number >= manifest.frames_from) {
      manifest.frames_from = segment.live.number + 1;
      manifest.next_frame = segment.live.last_frame + 1;
    }
    if (std::ranges::find(gone, segment.segment) == gone.end()) {
      after.push_back(segment);
    } else if (segment.segment == gone.back()) {
      for (const CopiesWriter::Finished& one : come) after.push_back(one.segment);
    }
  }
  for (const SealedSegment& segment : after) {
    if (!segment.has_foot) break;
    manifest.live.push_back(segment.live);
  }
  const Bytes bytes = encode_manifest(manifest);
  const BytesView piece = bytes;
  MR_FAILPOINT("clean.before");
  auto placed = directory_.place(kManifestFile, {&piece, 1});
  if (!placed.ok()) return failed(placed.error());
  manifest_ = std::move(manifest);
  MR_FAILPOINT("clean.installed");

  // Readers that hold a place in what goes read it from its open file.
  for (const SegmentPtr& segment : gone) {
    (void)segment->keep_open().ok();  // else they find what they look for in the copies
  }
  std::vector<std::pair<SegmentPtr, SegmentPages>> parts;
  for (CopiesWriter::Finished& one : come) {
    parts.emplace_back(one.segment.segment, std::move(one.pages));
  }
  index_.replace(gone, std::move(parts));
  sealed_.replace(before, std::move(after));
  for (const SegmentPtr& segment : gone) {
    if (const auto error = directory_.files().remove(segment->path())) {
      logger_.warning("journal: " + error->what + "; it is tried again when the journal is opened");
    }
    MR_FAILPOINT("clean.removed");
  }
  return Status::success();
}

}  // namespace millrace::log::journal
