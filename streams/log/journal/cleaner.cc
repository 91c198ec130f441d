#include "log/journal/cleaner.h"

#include <algorithm>
#include <set>
#include <utility>

#include "log/journal/batch_reader.h"
#include "millrace/detail/failpoint.h"

namespace millrace::log::journal {

// What is under way.
struct Cleaner::Pass {
  std::shared_ptr<const std::vector<SealedSegment>> before;  // all there were when it began
  CleaningChoice::Work work;
  std::vector<PartitionKey> partitions;
  std::size_t next = 0;      // the next of them
  std::uint64_t bytes = 0;   // what there is to copy, at most
  std::uint64_t copied = 0;  // of that
  std::unique_ptr<CopiesWriter> plain;
  std::unique_ptr<CopiesWriter> compacted;
  std::vector<CopiesWriter::Finished> done;
  std::uint64_t read = 0;
  Bytes buffer;  // of the batch that was read last
};

Cleaner::Cleaner(const Directory& directory, CleanerOptions options, Manifest manifest,
                 SealedSegments& sealed, Index& index, const std::atomic<bool>& stop,
                 Logger& logger)
    : directory_(directory),
      options_(options),
      manifest_(std::move(manifest)),
      sealed_(sealed),
      index_(index),
      stop_(stop),
      logger_(logger),
      choice_(index) {}

Cleaner::~Cleaner() {
  if (pass_ && ended_.ok()) abandon();
}

Result<bool> Cleaner::clean(const Catalog& catalog, Timestamp now, std::uint64_t budget) {
  if (!ended_.ok()) return ended_;
  if (stop_) return false;
  if (!pass_) {
    auto taken = take_away_dead(catalog);
    if (!taken.ok()) return taken.status();
    auto begun = begin(catalog, now);
    if (!begun.ok()) return begun.status();
    if (!begun.value()) return false;
    pass_ = std::move(begun.value());
  }
  pass_->read = 0;
  Status status;
  while (status.ok() && pass_->next < pass_->partitions.size()) {
    status = copy_partition(*pass_, catalog, now);
    if (!status.ok()) break;
    ++pass_->next;
    if (pass_->read >= budget) return true;
  }
  if (status.ok()) status = finish(*pass_);
  if (!status.ok()) {
    if (ended_.ok()) abandon();  // else the manifest may name what was made
    if (stop_ && status.consequence() == Consequence::kRetry) return false;
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

Result<bool> Cleaner::take_away_dead(const Catalog& catalog) {
  const auto before = sealed_.all();
  const std::vector<SegmentPtr> dead = choice_.dead(*before, catalog);
  if (dead.empty()) return false;
  std::vector<CopiesWriter::Finished> none;
  const Status status = install(*before, dead, none);
  if (!status.ok()) return status;
  return true;
}

// nullptr: nothing is worth it.
Result<std::unique_ptr<Cleaner::Pass>> Cleaner::begin(const Catalog& catalog, Timestamp now) {
  auto pass = std::make_unique<Pass>();
  pass->before = sealed_.all();
  auto work = choice_.choose(*pass->before, catalog, now);
  if (!work.ok()) return work.status();
  if (!work.value()) return std::unique_ptr<Pass>();
  pass->work = std::move(*work.value());
  std::set<PartitionKey> partitions;
  for (const SegmentPtr& source : pass->work.sources) {
    for (const auto& [where, use] : *index_.uses(source)) {
      if (CleaningChoice::is_dead(catalog, where, use.next)) continue;
      partitions.insert(where);
      pass->bytes += use.bytes;
    }
  }
  pass->partitions.assign(partitions.begin(), partitions.end());
  const Status room = check_room(*pass);
  if (!room.ok()) return room;
  return pass;
}

// --- copying -------------------------------------------------------------------------------------

Status Cleaner::copy_partition(Pass& pass, const Catalog& catalog, Timestamp now) {
  const PartitionKey where = pass.partitions[pass.next];
  const Catalog::Topic* topic = catalog.find(where.topic);
  if (topic == nullptr && where.topic < catalog.next_topic_id()) return Status::success();
  if (topic != nullptr && pass.work.compacts && cleanup_policy(topic->config).compacts) {
    return compact(pass, where, *topic, now);
  }
  for (const SegmentPtr& source : pass.work.sources) {
    auto batches = index_.batches(source, where);
    if (!batches.ok()) return batches.status();
    for (const BatchEntry& entry : batches.value()) {
      if (CleaningChoice::is_dead(catalog, where, entry.next)) continue;
      auto batch = read(pass, where, source, entry);
      if (!batch.ok()) return batch.status();
      const Status status = write(pass, batch.value(), false, now);
      if (!status.ok()) return status;
    }
  }
  return Status::success();
}

// Valid until the next one. Errors: kRetry too, where it is to stop.
Result<FrameBatch> Cleaner::read(Pass& pass, PartitionKey where, const SegmentPtr& source,
                                 const BatchEntry& entry) {
  if (stop_) return Status::retry("cleaning was stopped");
  pass.read += entry.size;
  return read_batch({where, source, entry.at, entry.size, entry.base, entry.next}, pass.buffer);
}

Status Cleaner::compact(Pass& pass, PartitionKey where, const Catalog::Topic& topic,
                        Timestamp now) {
  const Offset start = topic.partitions.at(static_cast<std::size_t>(where.partition.value())).start;
  Compaction::Memory memory{.bytes = options_.key_memory, .records = 0};
  for (const SegmentPtr& source : pass.work.sources) {
    const auto uses = index_.uses(source);
    const auto use = uses->find(where);
    if (use == uses->end() || use->second.dirty == 0) continue;
    memory.records += static_cast<std::uint64_t>(use->second.next - use->second.base);
  }
  Compaction compaction(cleanup_policy(topic.config), start, now, memory);
  Status status = note(pass, where, compaction);
  if (compaction.is_full()) choice_.note_unfinished(where);
  return status.ok() ? keep(pass, where, compaction, now) : status;
}

// Effect: learns the keys of what was never compacted, as far as there is room. It lies behind all else.
Status Cleaner::note(Pass& pass, PartitionKey where, Compaction& compaction) {
  for (const SegmentPtr& source : pass.work.sources) {
    const auto uses = index_.uses(source);
    const auto use = uses->find(where);
    if (use == uses->end() || use->second.dirty == 0) continue;
    auto batches = index_.batches(source, where);
    if (!batches.ok()) return batches.status();
    std::uint64_t passed = 0;
    for (const BatchEntry& entry : batches.value()) {
      passed += entry.size;
      if (passed <= use->second.clean()) continue;
      auto batch = read(pass, where, source, entry);
      if (!batch.ok()) return batch.status();
      const bool more = compaction.note(batch.value());
      if (compaction.damaged())
        return damaged(source->path(), entry.at, "the records of a batch are malformed");
      if (!more) return Status::success();
    }
  }
  return Status::success();
}

Status Cleaner::keep(Pass& pass, PartitionKey where, Compaction& compaction, Timestamp now) {
  for (const SegmentPtr& source : pass.work.sources) {
    auto batches = index_.batches(source, where);
    if (!batches.ok()) return batches.status();
    for (const BatchEntry& entry : batches.value()) {
      if (entry.next <= compaction.start()) continue;
      auto batch = read(pass, where, source, entry);
      if (!batch.ok()) return batch.status();
      const Compaction::Kept kept = compaction.keep(batch.value());
      if (compaction.damaged())
        return damaged(source->path(), entry.at, "the records of a batch are malformed");
      for (const auto& part : {kept.compacted, kept.rest}) {
        if (!part) continue;
        const Status status = write(pass, *part, true, now);
        if (!status.ok()) return status;
      }
    }
  }
  return Status::success();
}

Status Cleaner::write(Pass& pass, const FrameBatch& batch, bool compacted, Timestamp now) {
  std::unique_ptr<CopiesWriter>& writer = compacted ? pass.compacted : pass.plain;
  if (!writer) {
    const Status room = check_room(pass);
    if (!room.ok()) return room;
    auto made = CopiesWriter::make(directory_, manifest_.journal, manifest_.next_copies, now);
    if (!made.ok()) return failed(made.error());
    ++manifest_.next_copies;
    writer = std::move(made.value());
  }
  const std::uint64_t before = writer->size();
  if (const auto error = writer->add(batch)) return failed(*error);
  pass.copied += writer->size() - before;
  return writer->size() < options_.segment_bytes ? Status::success() : finish_writer(pass, writer);
}

// Copies are made beside what they replace. They leave what whoever writes needs, and do not begin again
// before there is more room than last time.
Status Cleaner::check_room(const Pass& pass) {
  auto is_free = directory_.files().free_bytes(directory_.path());
  if (!is_free.ok()) return Status::success();  // whoever cannot say it refuses a write, too
  const std::uint64_t left = pass.bytes - std::min(pass.copied, pass.bytes);
  const std::uint64_t wanted =
      std::min(left, std::max(pass.copied == 0 ? wants_room_ : 0, options_.segment_bytes));
  if (is_free.value() >= options_.reserve_bytes + wanted) return Status::success();
  wants_room_ = pass.copied + wanted;
  return Status::retry("cleaning the journal needs room: its copies take " +
                       std::to_string(wants_room_) + " bytes or more beside the " +
                       std::to_string(options_.reserve_bytes) +
                       " that are left to whoever writes; " + std::to_string(is_free.value()) +
                       " are free on the disk of " + directory_.path() +
                       ". Nothing was lost; it goes on when there is room");
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
  if (stop_) return Status::retry("cleaning was stopped");
  for (auto* writer : {&pass.compacted, &pass.plain}) {
    if (!*writer) continue;
    const Status status = finish_writer(pass, *writer);
    if (!status.ok()) return status;
  }
  MR_FAILPOINT("clean.copied");
  const Status status = install(*pass.before, pass.work.sources, pass.done);
  if (status.ok()) wants_room_ = 0;
  return status;
}

// The copies come where the last of what goes was: what stays before it is older in every partition.
Status Cleaner::install(const std::vector<SealedSegment>& before,
                        const std::vector<SegmentPtr>& gone,
                        std::vector<CopiesWriter::Finished>& come) {
  std::vector<SealedSegment> after;
  Manifest manifest = manifest_;
  manifest.live.clear();
  bool listed = true;
  for (const SealedSegment& segment : before) {
    listed = listed && segment.has_foot;
    // The last of them may have gone already: what was said does not go back.
    const bool is_frames = segment.live.kind == SegmentKind::kFrames;
    if (listed && is_frames && segment.live.number >= manifest.frames_from) {
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
