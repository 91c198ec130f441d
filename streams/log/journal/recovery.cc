#include "log/journal/recovery.h"

#include <algorithm>
#include <utility>

#include "log/journal/scanner.h"
#include "log/journal/segment_list.h"
#include "millrace/detail/failpoint.h"

namespace millrace::log::journal {

namespace {

class Recovery {
 public:
  Recovery(const Directory& directory, Timestamp now, Index& index, SealedSegments& sealed,
           Logger& logger)
      : directory_(directory), now_(now), index_(index), sealed_(sealed), logger_(logger) {}

  Result<Recovered> run();

 private:
  using Found = FoundSegment;

  Status take_listed(const LiveSegment& live);
  Result<std::vector<Found>> load_frames();
  void remove_leftovers();
  Status begin_new();
  Status take_sealed(const Found& found, FrameNumber next);
  Result<bool> take_foot(const Found& found, const Trailer& trailer);
  Result<std::optional<Trailer>> trailer_of(const Found& found);
  Status rebuild(const Found& found, FrameNumber next);
  void retire(const Found& found, std::uint64_t size, FrameNumber last_frame);
  Status take_last(const Found& found);
  Status take_frame(const Found& found, const FrameScanner& scanner, const ParsedFrame& frame,
                    SegmentEntries& entries);
  Status judge(const Found& found, FrameScanner& scanner, bool bad, std::optional<Trailer> trailer);
  Status set_aside(const Found& found, const FrameScanner& scanner);
  Status keep(const Found& found, std::uint64_t end, bool sealed);
  Status rewrite(const Found& found, File& file, std::uint64_t from, std::uint64_t end);
  Status mark(SyncedPosition position);

  FileSystem& files() const { return directory_.files(); }

  const Directory& directory_;
  Timestamp now_;
  Index& index_;
  SealedSegments& sealed_;
  Logger& logger_;
  SegmentList list_;
  bool marked_ = false;                   // the file `synced` is there
  bool both_hold_ = false;                // its two slots
  std::optional<SyncedPosition> synced_;  // what it says
  Recovered out_;
};

// A directory without a segment: new, unless something says that there was one.
Status Recovery::begin_new() {
  auto there = files().open(directory_.path(kSyncedFile), FileSystem::Open::kRead);
  if (there.ok()) {
    return damaged(directory_.path(segment_name(SegmentKind::kFrames, SegmentNumber(1))), 0,
                   "there is no segment, but the file `synced` of a journal");
  }
  if (!there.error().is_missing()) return not_possible(there.error());
  SegmentHeader header;
  header.journal = JournalId(to_ms(now_));
  header.number = SegmentNumber(1);
  header.first_frame = FrameNumber(1);
  header.made = now_;
  auto made = SegmentWriter::make(directory_, header, out_.catalog, {});
  if (!made.ok()) return not_possible(made.error());
  out_.journal = header.journal;
  out_.manifest.journal = header.journal;
  out_.last = std::move(made.value());
  return mark({header.number, out_.last->end(), FrameNumber(0)});
}

Result<Recovered> Recovery::run() {
  auto listed = list_segments(directory_);
  if (!listed.ok()) return listed.status();
  list_ = std::move(listed.value());
  out_.manifest = list_.manifest;
  out_.journal = list_.manifest.journal;
  Status status;
  if (list_.is_new()) {
    status = begin_new();
    if (!status.ok()) return status;
    return std::move(out_);
  }
  for (const LiveSegment& live : out_.manifest.live) {
    status = take_listed(live);
    if (!status.ok()) return status;
  }
  auto loaded = load_frames();
  if (!loaded.ok()) return loaded.status();
  const std::vector<Found>& found = loaded.value();
  for (std::size_t i = 0; i + 1 < found.size(); ++i) {
    status = take_sealed(found[i], found[i + 1].segment->header().first_frame);
    if (!status.ok()) return status;
  }
  status = take_last(found.back());
  if (!status.ok()) return status;
  remove_leftovers();
  return std::move(out_);
}

// A segment that the manifest names.
Status Recovery::take_listed(const LiveSegment& live) {
  auto found = find_segment(directory_, live.kind, live.number, out_.journal);
  if (!found.ok()) return found.status();
  const std::string& path = found.value().segment->path();
  const SegmentHeader& header = found.value().segment->header();
  if (found.value().size != live.size) {
    return damaged(path, std::min(live.size, found.value().size),
                   "it has " + std::to_string(found.value().size) + " bytes, and had " +
                       std::to_string(live.size));
  }
  if (header.first_frame != live.first_frame) {
    return damaged(path, 32, "its header is that of another segment");
  }
  return take_sealed(found.value(), live.last_frame + 1);
}

// The headers of the segments that are not listed: they hold every frame from next_frame on.
Result<std::vector<Recovery::Found>> Recovery::load_frames() {
  std::vector<Found> found;
  const SegmentNumber first =
      list_.frames.empty() ? out_.manifest.frames_from : list_.frames.front();
  if (first != out_.manifest.frames_from || list_.frames.empty()) {
    return damaged(directory_.path(segment_name(SegmentKind::kFrames, out_.manifest.frames_from)),
                   0, "the segment is missing");
  }
  for (const SegmentNumber number : list_.frames) {
    auto segment = find_segment(directory_, SegmentKind::kFrames, number, out_.journal);
    if (!segment.ok()) return segment.status();
    out_.journal = segment.value().segment->header().journal;
    found.push_back(std::move(segment.value()));
  }
  const Segment& segment = *found.front().segment;
  if (segment.header().first_frame != out_.manifest.next_frame) {
    return damaged(segment.path(), 32, "the segments before it are missing");
  }
  auto slots = SyncedMark::slots(directory_, out_.journal);
  if (!slots.ok()) return not_possible(slots.error());
  marked_ = slots.value().there;
  both_hold_ = slots.value().first && slots.value().second;
  synced_ = std::max(slots.value().first, slots.value().second);  // nullopt is less than any
  if (marked_ && !synced_) {
    return damaged(directory_.path(kSyncedFile), 0,
                   "nothing in it can be believed, so that a loss could not be told from a torn "
                   "tail (to open the journal as it is all the same, move this file away)");
  }
  if (synced_ && synced_->segment > list_.frames.back()) {
    return damaged(directory_.path(segment_name(SegmentKind::kFrames, synced_->segment)), 0,
                   "the segment is missing");
  }
  out_.manifest.journal = out_.journal;
  return found;
}

void Recovery::remove_leftovers() {
  for (const std::string& name : list_.leftovers) {
    if (const auto error = files().remove(directory_.path(name))) {
      logger_.warning("journal: " + error->what + "; it is of no use and takes room");
    }
  }
}

Result<std::optional<Trailer>> Recovery::trailer_of(const Found& found) {
  const SegmentHeader& header = found.segment->header();
  if (found.size < header.size() + kTrailerSize) return std::optional<Trailer>();
  Bytes bytes(kTrailerSize, '\0');
  const Status read = found.segment->read(found.size - kTrailerSize, bytes);
  if (!read.ok()) return read;
  auto trailer = read_trailer(bytes);
  if (trailer && (trailer->number != header.number || trailer->first_frame != header.first_frame ||
                  trailer->frames_end < header.size() ||
                  trailer->pages_at + trailer->pages_size + kTrailerSize != found.size)) {
    trailer.reset();
  }
  return trailer;
}

// Takes over the pages of a segment. False: they are damaged.
Result<bool> Recovery::take_foot(const Found& found, const Trailer& trailer) {
  Bytes bytes(trailer.pages_size, '\0');
  const Status read = found.segment->read(trailer.pages_at, bytes);
  if (!read.ok()) return read;
  SegmentPages pages;
  if (!read_pages(bytes, trailer, pages)) return false;
  index_.add(found.segment, std::move(pages));
  return true;
}

// A segment that is not the last; the frame `next` begins the one behind it.
Status Recovery::take_sealed(const Found& found, FrameNumber next) {
  auto trailer = trailer_of(found);
  if (!trailer.ok()) return trailer.status();
  if (trailer.value() && trailer.value()->last_frame + 1 == next) {
    auto taken = take_foot(found, *trailer.value());
    if (!taken.ok()) return taken.status();
    if (taken.value()) {
      retire(found, found.size, next - 1);
      return Status::success();
    }
  }
  const SegmentHeader& header = found.segment->header();
  if (header.kind == SegmentKind::kCopies) {
    return damaged(found.segment->path(), found.size, "its foot is damaged");
  }
  return rebuild(found, next);
}

void Recovery::retire(const Found& found, std::uint64_t size, FrameNumber last_frame) {
  const SegmentHeader& header = found.segment->header();
  sealed_.add({found.segment, {header.kind, header.number, size, header.first_frame, last_frame}});
}

// The foot is missing where a failed fdatasync ended the segment early, or it is damaged. It says
// nothing that the frames do not say: it is made again.
Status Recovery::rebuild(const Found& found, FrameNumber next) {
  const SegmentHeader& header = found.segment->header();
  FrameScanner scanner(*found.segment, header.size(), found.size);
  ParsedFrame frame;
  SegmentEntries entries;
  FrameNumber expected = header.first_frame;
  for (; expected < next; ++expected) {
    auto result = scanner.next(frame);
    if (!result.ok()) return result.status();
    if (result.value() == FrameScanner::Found::kBad) {
      return damaged(found.segment->path(), scanner.bad().at, scanner.bad().why);
    }
    if (result.value() == FrameScanner::Found::kEnd || frame.number != expected) {
      return damaged(found.segment->path(), scanner.at(),
                     "frame " + std::to_string(expected.value()) + " is missing");
    }
    scanner.locate(frame, entries);
  }
  logger_.warning("journal: the index of " + found.segment->path() +
                  " was missing or damaged; it was made again from the frames, which are whole");
  index_.add(found.segment, std::move(entries));
  auto file = files().open(found.segment->path(), FileSystem::Open::kAppend);
  if (!file.ok()) return not_possible(file.error());
  SegmentWriter writer(found.segment, std::move(file.value()), scanner.at(), 0);
  FileStatus error = writer.cut(scanner.at());
  if (!error) error = writer.seal(next - 1, index_);
  if (error) return not_possible(*error);
  retire(found, writer.size(), next - 1);
  return Status::success();
}

Status Recovery::take_frame(const Found& found, const FrameScanner& scanner,
                            const ParsedFrame& frame, SegmentEntries& entries) {
  if (frame.number != out_.last_frame + 1) {
    return damaged(found.segment->path(), scanner.frame_at(),
                   "frame " + std::to_string(frame.number.value()) + " lies where frame " +
                       std::to_string(out_.last_frame.value() + 1) + " belongs");
  }
  if (const auto refused = out_.catalog.apply(frame.frame)) {
    return damaged(found.segment->path(), scanner.frame_at(), *refused);
  }
  scanner.locate(frame, entries);
  out_.last_frame = frame.number;
  return Status::success();
}

Status Recovery::take_last(const Found& found) {
  auto catalog = read_catalog(*found.segment);
  if (!catalog.ok()) return catalog.status();
  out_.catalog = std::move(catalog.value());
  const SegmentHeader& header = found.segment->header();
  out_.last_frame = header.first_frame - 1;
  auto trailer = trailer_of(found);
  if (!trailer.ok()) return trailer.status();
  FrameScanner scanner(*found.segment, header.size(), found.size);
  ParsedFrame frame;
  SegmentEntries entries;
  for (;;) {
    auto result = scanner.next(frame);
    if (!result.ok()) return result.status();
    if (result.value() != FrameScanner::Found::kFrame) {
      const bool bad = result.value() == FrameScanner::Found::kBad;
      const Status status = judge(found, scanner, bad, trailer.value());
      if (!status.ok()) return status;
      break;
    }
    const Status status = take_frame(found, scanner, frame, entries);
    if (!status.ok()) return status;
  }
  const std::uint64_t end = scanner.at();
  if (trailer.value() && trailer.value()->frames_end == end) {
    auto taken = take_foot(found, *trailer.value());
    if (!taken.ok()) return taken.status();
    if (taken.value()) return keep(found, end, true);
  }
  index_.add(found.segment, std::move(entries));
  return keep(found, end, false);
}

// The frames end at scanner.at(). What is behind: a foot, a torn tail, or damage?
Status Recovery::judge(const Found& found, FrameScanner& scanner, bool bad,
                       std::optional<Trailer> trailer) {
  const std::string& path = found.segment->path();
  const std::string why = bad ? scanner.bad().why : "the file ends too early";
  const std::uint64_t at = bad ? scanner.bad().at : found.size;
  const auto& synced = synced_;
  if (synced && synced->segment == found.segment->header().number &&
      (scanner.at() < synced->at || out_.last_frame < synced->frame)) {
    return damaged(path, at, why + "; it was durable up to byte " + std::to_string(synced->at));
  }
  if (!bad) return Status::success();
  if (trailer && scanner.at() < trailer->frames_end) {
    return damaged(path, at, why + "; the segment was sealed behind it");
  }
  if (trailer && scanner.at() == trailer->frames_end) return Status::success();  // its foot
  auto durable = scanner.durable_behind();
  if (!durable.ok()) return durable.status();
  if (durable.value() > out_.last_frame) {
    return damaged(path, at, why + "; frames behind it say that it was durable");
  }
  if (!synced) {
    return damaged(path, at,
                   why + "; without the file `synced` it cannot be told from a torn tail");
  }
  if (found.size - scanner.at() >= 4) {
    Bytes start(4, '\0');
    const Status read = found.segment->read(scanner.at(), start);
    if (!read.ok()) return read;
    if (begins_foot(start)) {
      logger_.info("journal: the foot of " + path + " was not written whole; it is cut");
      return Status::success();
    }
  }
  return set_aside(found, scanner);
}

// A copy of the torn bytes stays beside the segment.
Status Recovery::set_aside(const Found& found, const FrameScanner& scanner) {
  const std::uint64_t size = found.size - scanner.at();
  Bytes bytes(static_cast<std::size_t>(size), '\0');
  const Status read = found.segment->read(scanner.at(), bytes);
  if (!read.ok()) return read;
  const std::string base = "torn-" + std::to_string(out_.last_frame.value() + 1);
  std::string name = base;
  for (int i = 2;; ++i) {
    auto there = files().open(directory_.path(name), FileSystem::Open::kRead);
    if (!there.ok() && there.error().is_missing()) break;
    if (!there.ok()) return not_possible(there.error());
    name = base + "-" + std::to_string(i);
  }
  const BytesView piece = bytes;
  auto placed = directory_.place(name, {&piece, 1});
  if (!placed.ok()) return not_possible(placed.error());
  const std::string why =
      "the last " + std::to_string(size) + " bytes of " + found.segment->path() + ", from byte " +
      std::to_string(scanner.at()) + " on, are no whole frame (" + scanner.bad().why +
      "): they were never acknowledged as durable. They were cut off; a copy is " +
      directory_.path(name);
  logger_.warning("journal: " + why);
  out_.set_aside.push_back({name, why});
  return Status::success();
}

// Makes everything durable that was found, and goes on behind it.
Status Recovery::keep(const Found& found, std::uint64_t end, bool sealed) {
  auto file = files().open(found.segment->path(), FileSystem::Open::kAppend);
  if (!file.ok()) return not_possible(file.error());
  const SegmentNumber number = found.segment->header().number;
  const bool known = synced_ && synced_->segment == number;
  const std::uint64_t durable = known ? synced_->at : found.segment->header().size();
  SegmentWriter writer(found.segment, std::move(file.value()), end, sealed ? found.size : 0);
  if (!sealed && found.size > end) {
    MR_FAILPOINT("log.truncate.before");
    if (auto error = writer.cut(end)) return not_possible(*error);
    MR_FAILPOINT("log.truncate.after");
  }
  if (durable < end) {
    auto again = files().open(found.segment->path(), FileSystem::Open::kAppend);
    if (!again.ok()) return not_possible(again.error());
    const Status rewritten = rewrite(found, *again.value(), durable, end);
    if (!rewritten.ok()) return rewritten;
  }
  out_.last = std::move(writer);
  const SyncedPosition position{number, end, out_.last_frame};
  if (synced_ == position && both_hold_) {
    auto opened = SyncedMark::open(directory_, out_.journal);
    if (!opened.ok()) return not_possible(opened.error());
    out_.mark = std::move(opened.value());
    return Status::success();
  }
  if (!marked_ && out_.last_frame > FrameNumber(0)) {
    logger_.warning("journal: the file `synced` was missing in " + directory_.path() +
                    "; every frame that is there is whole, and it was made again");
  }
  return mark(position);
}

// An fdatasync that failed before may have left pages that are read as written and are not on disk:
// they are written again before they are believed.
Status Recovery::rewrite(const Found& found, File& file, std::uint64_t from, std::uint64_t end) {
  FileWindow window(*found.segment, end);
  while (from < end) {
    auto bytes = window.bytes(from, std::min<std::uint64_t>(end - from, 1 << 20));
    if (!bytes.ok()) return bytes.status();
    if (auto error = file.write_at(from, bytes.value())) return not_possible(*error);
    from += bytes.value().size();
  }
  if (auto error = file.sync()) return not_possible(*error);
  return Status::success();
}

Status Recovery::mark(SyncedPosition position) {
  auto made = SyncedMark::make(directory_, out_.journal, position);
  if (!made.ok()) return not_possible(made.error());
  out_.mark = std::move(made.value());
  return Status::success();
}

}  // namespace

Result<Recovered> recover(const Directory& directory, Timestamp now, Index& index,
                          SealedSegments& sealed, Logger& logger) {
  return Recovery(directory, now, index, sealed, logger).run();
}

}  // namespace millrace::log::journal
