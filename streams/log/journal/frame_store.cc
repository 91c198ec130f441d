#include "log/journal/frame_store.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "log/journal/batch_reader.h"
#include "log/journal/cleaner.h"
#include "log/journal/recovery.h"
#include "log/journal/scanner.h"
#include "millrace/detail/failpoint.h"
#include "millrace/detail/text.h"

namespace millrace::log::journal {

namespace {

// A directory in which something else lives is not taken: a wrong path would mix the two.
Status refuse_foreign(const Directory& directory, const std::vector<std::string>& names) {
  const bool journal = std::ranges::any_of(names, [](const std::string& name) {
    return name == kSyncedFile || name == kLockFile || name.ends_with(".segment");
  });
  if (journal) return Status::success();
  for (const std::string& name : names) {
    if (name.starts_with('.') || name == "lost+found" || name.ends_with(kUnfinished)) continue;
    return Status::fatal(directory.path() + " is no journal and not empty (it holds " + name +
                         "). Name another directory");
  }
  return Status::success();
}

Result<StoredBatch> read_stored(const BatchLocation& where) {
  StoredBatch stored;
  auto batch = read_batch(where, stored.encoded);
  if (!batch.ok()) return batch.status();
  stored.base = batch.value().base;
  stored.next = batch.value().next;
  stored.append_time = batch.value().append_time;
  stored.max_timestamp = batch.value().max_timestamp;
  stored.encoded.erase(0, kBatchHeadSize);
  return stored;
}

}  // namespace

struct FrameStore::State {
  State(FrameStoreOptions given, FileSystem& files, const Clock& its_clock, Logger& its_logger)
      : options(std::move(given)),
        directory(files, options.directory),
        clock(its_clock),
        logger(its_logger) {}

  FrameStoreOptions options;
  Directory directory;
  const Clock& clock;
  Logger& logger;
  std::unique_ptr<FileLock> lock;
  JournalId journal;
  Index index;
  SealedSegments sealed;
  std::atomic<bool> no_cleaning{false};
  std::optional<Cleaner> cleaner;  // of the one thread that cleans

  // Of the one thread that writes:
  std::optional<SegmentWriter> last;
  std::optional<SyncedMark> mark;
  FrameNumber last_frame;    // the last one written
  SyncedPosition synced;     // in last
  Bytes unsynced;            // what last holds behind synced
  bool doubtful = false;     // what last holds behind synced is not to be believed
  Status ended;              // once it is fatal, it stays so
  bool mark_failed = false;  // said once
  std::vector<BatchPlace> places;
  std::vector<BatchEntry> entries;
  std::atomic<std::uint64_t> last_bytes{0};

  Status open(Opened& opened);
  Result<Appended> append(const Frame& frame, const Catalog& before);
  Status write(BytesView bytes);
  Status sync();
  Status make_room(std::uint64_t size, const Catalog& before);
  Status seal();
  Result<SegmentWriter> begin_segment(const Catalog& catalog, FrameNumber first, BytesView frames);
  Status rewrite();
  Result<Catalog> catalog_at_synced();
  void leave(SegmentWriter& old, SyncedPosition good);
  void retire(const SegmentWriter& old, FrameNumber last_frame);
  void moved_on();
  Status fail(const FileError& error, std::string_view doing);
};

// Full: everything is as before, and the caller may try again. All else ends the journal.
Status FrameStore::State::fail(const FileError& error, std::string_view doing) {
  if (error.is_full()) {
    return Status::retry("the journal has no room: " + error.what + " (" + std::string(doing) +
                         "). Nothing was lost; it goes on once there is room");
  }
  ended = Status::fatal("the journal cannot go on: " + error.what + " (" + std::string(doing) +
                        "). What was not synced is not acknowledged; all before it is kept in " +
                        directory.path());
  return ended;
}

Status FrameStore::State::open(Opened& opened) {
  FileSystem& files = directory.files();
  if (auto error = files.create_directories(directory.path())) return not_possible(*error);
  auto names = files.list(directory.path());
  if (!names.ok()) return not_possible(names.error());
  Status status = refuse_foreign(directory, names.value());
  if (!status.ok()) return status;
  auto held =
      files.lock(directory.path(kLockFile), "pid " + std::to_string(::getpid()) + " since " +
                                                detail::human_timestamp(clock.now()) + "\n");
  if (!held.ok()) return not_possible(held.error());
  lock = std::move(held.value());
  auto recovered = recover(directory, clock.now(), index, sealed, logger);
  if (!recovered.ok()) return recovered.status();
  Recovered& found = recovered.value();
  journal = found.journal;
  last = std::move(found.last);
  mark = std::move(found.mark);
  last_frame = found.last_frame;
  synced = {last->segment()->header().number, last->end(), last_frame};
  const CleanerOptions cleaning{.segment_bytes = options.segment_bytes,
                                .key_memory = options.key_memory,
                                .reserve_bytes = options.segment_bytes};
  cleaner.emplace(directory, cleaning, std::move(found.manifest), sealed, index, no_cleaning,
                  logger);
  last_bytes = last->size();
  opened.catalog = std::move(found.catalog);
  opened.set_aside = std::move(found.set_aside);
  return Status::success();
}

// --- writing -------------------------------------------------------------------------------------

Result<FrameStore::Appended> FrameStore::State::append(const Frame& frame, const Catalog& before) {
  if (!ended.ok()) return ended;
  if (doubtful || unsynced.size() > options.max_unsynced_bytes) {
    const Status status = sync();
    if (!status.ok()) return status;
  }
  const std::size_t from = unsynced.size();
  places.clear();
  encode_frame(frame, journal, last_frame + 1, synced.frame, unsynced, places);
  const std::size_t size = unsynced.size() - from;
  if (size > options.max_frame_bytes) {
    unsynced.resize(from);
    return Status::abort("a transaction of " + std::to_string(size) +
                         " bytes is longer than max.transaction.bytes (" +
                         std::to_string(options.max_frame_bytes) + ")");
  }
  if (last->sealed() || (!last->empty() && last->end() + size > options.segment_bytes)) {
    Bytes encoded = unsynced.substr(from);
    unsynced.resize(from);
    const Status status = make_room(size, before);
    if (!status.ok()) return status;
    unsynced.append(encoded);
  }
  const std::uint64_t at = last->end();
  MR_FAILPOINT("log.append.before");
  const Status status = write(BytesView(unsynced).substr(unsynced.size() - size));
  if (!status.ok()) {
    unsynced.resize(unsynced.size() - size);
    return status;
  }
  MR_FAILPOINT("log.append.after");
  Appended appended;
  appended.number = ++last_frame;
  entries.clear();
  for (std::size_t i = 0; i < places.size(); ++i) {
    const FrameBatch& batch = frame.batches[i];
    entries.push_back({batch.base, batch.next, at + places[i].at, places[i].size, batch.append_time,
                       batch.max_timestamp});
    appended.batches.push_back(
        {batch.where, last->segment(), entries.back().at, places[i].size, batch.base, batch.next});
  }
  index.add(last->segment(), frame.batches, entries);
  last_bytes = last->size();
  return appended;
}

// A frame that was not written whole is cut back before anything follows.
Status FrameStore::State::write(BytesView bytes) {
  const std::uint64_t end = last->end();
  const auto error = last->append(bytes);
  if (!error) return Status::success();
  if (auto uncut = last->cut(end)) {
    doubtful = true;
    logger.warning("journal: " + uncut->what + "; what follows goes to a new segment");
  }
  return fail(*error, "writing a transaction");
}

Status FrameStore::State::sync() {
  if (!ended.ok()) return ended;
  if (doubtful) return rewrite();
  if (synced.at == last->end()) return Status::success();
  if (auto error = last->sync()) {
    doubtful = true;
    logger.error("journal: " + error->what + "; the " + std::to_string(unsynced.size()) +
                 " bytes since the last good one are written anew");
    return rewrite();
  }
  MR_FAILPOINT("log.append.synced");
  moved_on();
  return Status::success();
}

// All of the last segment is durable.
void FrameStore::State::moved_on() {
  synced = {last->segment()->header().number, last->end(), last_frame};
  unsynced.clear();
  if (unsynced.capacity() > 2 * options.max_unsynced_bytes) unsynced.shrink_to_fit();
  if (auto error = mark->note(synced); error && !std::exchange(mark_failed, true)) {
    logger.warning("journal: " + error->what +
                   "; after a power cut a torn tail may be judged late");
  }
}

// --- segments ------------------------------------------------------------------------------------

// A new segment begins: all of the old one is durable first.
Status FrameStore::State::make_room(std::uint64_t size, const Catalog& before) {
  Status status = sync();
  if (!status.ok()) return status;
  if (!last->sealed()) {
    if (last->empty() || last->end() + size <= options.segment_bytes) return status;  // rewritten
    MR_FAILPOINT("segment.roll.before");
    status = seal();
    if (!status.ok()) return status;
    MR_FAILPOINT("segment.roll.sealed");
  }
  auto old = begin_segment(before, last_frame + 1, {});
  if (old.ok()) retire(old.value(), last_frame);
  return old.status();
}

Status FrameStore::State::seal() {
  const std::uint64_t end = last->end();
  const auto error = last->seal(last_frame, index);
  if (!error) {
    last_bytes = last->size();
    return Status::success();
  }
  if (auto uncut = last->cut(end)) doubtful = true;
  return fail(*error, "sealing a segment");
}

// Effect: the last segment is a new one. Returns the one before it.
Result<SegmentWriter> FrameStore::State::begin_segment(const Catalog& catalog, FrameNumber first,
                                                       BytesView frames) {
  SegmentHeader header;
  header.journal = journal;
  header.number = last->segment()->header().number + 1;
  header.first_frame = first;
  header.made = clock.now();
  auto made = SegmentWriter::make(directory, header, catalog, frames);
  if (!made.ok()) return fail(made.error(), "beginning a segment");
  SegmentWriter old = std::exchange(*last, std::move(made.value()));
  last_bytes = last->size();
  MR_FAILPOINT("segment.roll.begun");
  moved_on();
  if (auto error = mark->pin(synced); error && !std::exchange(mark_failed, true)) {
    logger.warning("journal: " + error->what +
                   "; after a power cut a torn tail may be judged late");
  }
  return old;
}

// The segment is written to no more: the cleaner may have it.
void FrameStore::State::retire(const SegmentWriter& old, FrameNumber its_last) {
  const SegmentHeader& header = old.segment()->header();
  sealed.add({old.segment(),
              {header.kind, header.number, old.size(), header.first_frame, its_last},
              old.sealed()});
}

// --- after a failed fdatasync --------------------------------------------------------------------

// Nothing that was written since the last good sync is believed: it goes to a new segment, from
// memory.
Status FrameStore::State::rewrite() {
  auto catalog = catalog_at_synced();
  if (!catalog.ok()) {
    ended = catalog.status();
    return ended;
  }
  const SyncedPosition good = synced;
  MR_FAILPOINT("log.rewrite.before");
  auto old = begin_segment(catalog.value(), good.frame + 1, unsynced);
  if (!old.ok()) return old.status();
  index.move(old.value().segment(), good.at, last->segment(), last->segment()->header().size());
  doubtful = false;
  MR_FAILPOINT("log.rewrite.written");
  leave(old.value(), good);
  retire(old.value(), good.frame);
  logger.warning("journal: what was not durable was written to " + last->segment()->path());
  return Status::success();
}

// The catalog before the first frame that is not synced: the head of the segment and the frames
// since, which are believed.
Result<Catalog> FrameStore::State::catalog_at_synced() {
  auto catalog = read_catalog(*last->segment());
  if (!catalog.ok()) return catalog;
  FrameScanner scanner(*last->segment(), last->segment()->header().size(), synced.at);
  ParsedFrame frame;
  for (;;) {
    auto found = scanner.next(frame);
    if (!found.ok()) return found.status();
    if (found.value() == FrameScanner::Found::kEnd) return catalog;
    const std::string& path = last->segment()->path();
    if (found.value() == FrameScanner::Found::kBad) {
      return damaged(path, scanner.bad().at, scanner.bad().why);
    }
    if (auto refused = catalog.value().apply(frame.frame)) {
      return damaged(path, scanner.frame_at(), *refused);
    }
  }
}

// What a segment holds behind the last good sync is in the next one. Should this fail, recovery ends
// the segment where the next one begins.
void FrameStore::State::leave(SegmentWriter& old, SyncedPosition good) {
  auto error = old.cut(good.at);
  if (!error) error = old.seal(good.frame, index);
  if (error) logger.warning("journal: " + error->what + "; the segment keeps a useless end");
}

// --- the public face -----------------------------------------------------------------------------

FrameStore::FrameStore(std::unique_ptr<State> state) : state_(std::move(state)) {}

// What is known to be durable is noted for good: a copy of the directory, or a power cut, finds it.
FrameStore::~FrameStore() {
  if (state_->mark && state_->ended.ok()) (void)state_->mark->pin(state_->synced);
}

Result<FrameStore::Opened> FrameStore::open(FrameStoreOptions options, FileSystem& files,
                                            const Clock& clock, Logger& logger) {
  Opened opened;
  auto state = std::make_unique<State>(std::move(options), files, clock, logger);
  const Status status = state->open(opened);
  if (!status.ok()) return status;
  opened.store.reset(new FrameStore(std::move(state)));
  return opened;
}

Result<FrameStore::Appended> FrameStore::append(const Frame& frame, const Catalog& before) {
  return state_->append(frame, before);
}

Status FrameStore::sync() { return state_->sync(); }

bool FrameStore::all_synced() const { return state_->unsynced.empty(); }

Result<std::optional<BatchLocation>> FrameStore::find(PartitionKey where, Offset offset) const {
  return state_->index.find(where, offset);
}

Result<std::optional<BatchLocation>> FrameStore::find_time(PartitionKey where, Timestamp at_least,
                                                           Offset from) const {
  return state_->index.find_time(where, at_least, from);
}

Result<StoredBatch> FrameStore::read(const BatchLocation& where) const {
  auto batch = read_stored(where);
  if (batch.ok()) return batch;
  // A failed fdatasync may have moved it.
  auto now = find(where.where, where.base);
  if (!now.ok() || !now.value() || now.value()->base != where.base ||
      now.value()->segment == where.segment) {
    return batch;
  }
  return read_stored(*now.value());
}

std::uint64_t FrameStore::bytes() const { return state_->sealed.bytes() + state_->last_bytes; }

std::uint64_t FrameStore::bytes(PartitionKey where) const { return state_->index.bytes(where); }

std::vector<RecordsDeleted> FrameStore::expired(const Catalog& catalog, Timestamp now,
                                                Status& failure) const {
  std::vector<RecordsDeleted> deletions;
  for (const auto& [id, topic] : catalog.topics()) {
    const CleanupPolicy policy = cleanup_policy(topic.config);
    if (!policy.deletes || (policy.retention_ms < 0 && policy.retention_bytes < 0)) continue;
    Index::Retention retention{.limit = {}, .now = now, .keep = {}};
    if (policy.retention_ms >= 0 && policy.retention_ms <= to_ms(now)) {
      retention.limit = from_ms(to_ms(now) - policy.retention_ms);
    }
    if (policy.retention_bytes >= 0)
      retention.keep = static_cast<std::uint64_t>(policy.retention_bytes);
    for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
      const PartitionKey where{id, Partition(static_cast<std::int32_t>(i))};
      const Offset start = topic.partitions[i].start;
      auto found = state_->index.start_without(where, start, retention);
      if (!found.ok()) {
        failure = found.status();
      } else if (found.value() > start) {
        deletions.push_back({where, std::min(found.value(), topic.partitions[i].next)});
      }
    }
  }
  return deletions;
}

void FrameStore::stop_cleaning() { state_->no_cleaning = true; }

Result<bool> FrameStore::clean(const Catalog& catalog, Timestamp now, std::uint64_t budget) {
  return state_->cleaner->clean(catalog, now, budget);
}

}  // namespace millrace::log::journal
