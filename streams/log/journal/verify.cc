#include "log/journal/verify.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "log/journal/manifest.h"
#include "log/journal/scanner.h"
#include "log/journal/synced_mark.h"

namespace millrace::log::journal {

namespace {

class Verifier {
 public:
  Verifier(const std::string& directory, FileSystem& files) : directory_(files, directory) {}

  Result<Verified> run();

 private:
  struct Scanned {
    SegmentEntries entries;
    FrameNumber last;
    std::uint64_t end = 0;  // of the last whole frame
    bool whole = true;
    bool tail = false;  // what is behind `end` is no frame
    BadBytes bad;
  };

  std::vector<std::string> unlisted(const std::vector<std::string>& names,
                                    const Manifest& manifest);
  Status listed(const LiveSegment& live);
  Status copies(const LiveSegment& live, std::uint64_t size);
  void check_records(const std::string& path, std::uint64_t at, const std::string& name,
                     const FrameBatch& batch);
  Status check_foot(const Segment& segment, std::uint64_t size, const SegmentEntries& entries,
                    Trailer trailer);
  Status segment(const std::string& name, bool last);
  Result<Scanned> frames(const Segment& segment, std::uint64_t size);
  void frame(const Segment& segment, std::uint64_t at, const ParsedFrame& frame);
  Status behind(const Segment& segment, std::uint64_t size, const Scanned& scanned, bool last);
  void tail(const Segment& segment, std::uint64_t size, const Scanned& scanned);
  Status read_mark();
  void damaged(const std::string& file, std::uint64_t at, std::string what) {
    out_.damaged.push_back({file, at, std::move(what)});
  }

  Directory directory_;
  Verified out_;
  std::optional<JournalId> journal_;
  SyncedMark::Slots mark_;
  bool mark_read_ = false;
  std::optional<FrameNumber> expected_;  // the next frame; nullopt: unknown behind what is damaged
  std::optional<Catalog> catalog_;       // the sum so far; nullopt: unknown
};

Result<Verified> Verifier::run() {
  auto names = directory_.files().list(directory_.path());
  if (!names.ok()) return not_possible(names.error());
  const bool journal = std::ranges::any_of(names.value(), [](const std::string& name) {
    return name.ends_with(".segment") || name == kSyncedFile || name == kManifestFile;
  });
  if (!journal) return Status::fatal(directory_.path() + " is no journal: no segment");
  auto lock = directory_.files().lock_to_read(directory_.path(kLockFile));
  if (!lock.ok()) {
    return Status::fatal("the journal is in use: " + lock.error().what +
                         ". Stop that process first, or verify a copy");
  }
  auto read = read_manifest(directory_);
  if (!read.ok()) return not_possible(read.error());
  Manifest manifest;
  if (read.value().there && !read.value().manifest) {
    damaged(directory_.path(kManifestFile), 0, "its checksum does not hold; the rest was not read");
    return std::move(out_);
  }
  if (read.value().there) {
    manifest = *read.value().manifest;
    journal_ = manifest.journal;
  }
  for (const LiveSegment& live : manifest.live) {
    const Status status = listed(live);
    if (!status.ok()) return status;
  }
  const std::vector<std::string> segments = unlisted(names.value(), manifest);
  const std::string first = segment_name(SegmentKind::kFrames, manifest.frames_from);
  if (segments.empty() || segments.front() != first) {
    damaged(directory_.path(first), 0, "the segment is missing");
  }
  expected_ = manifest.next_frame;
  if (manifest.live.empty() || manifest.live.back().last_frame + 1 != manifest.next_frame) {
    catalog_.reset();
  }
  for (const std::string& name : segments) {
    const Status status = segment(name, name == segments.back());
    if (!status.ok()) return status;
  }
  return std::move(out_);
}

// The segments of frames that are live without being listed; of all else it is noted what it is.
std::vector<std::string> Verifier::unlisted(const std::vector<std::string>& names,
                                            const Manifest& manifest) {
  std::vector<std::string> segments;
  const std::string first = segment_name(SegmentKind::kFrames, manifest.frames_from);
  const auto note = [&](const std::string& name, std::string what) {
    out_.noted.push_back({directory_.path(name), 0, std::move(what)});
  };
  for (const std::string& name : names) {
    const bool frames = name.ends_with(".segment");
    const bool is_listed = std::ranges::any_of(manifest.live, [&](const LiveSegment& live) {
      return segment_name(live.kind, live.number) == name;
    });
    if (frames && name >= first) {
      segments.push_back(name);
    } else if ((frames || name.ends_with(".copies")) && !is_listed) {
      note(name, "the manifest does not name it; it will be removed");
    } else if (name.starts_with("torn-")) {
      note(name, "bytes that an earlier recovery cut off");
    } else if (name.ends_with(kUnfinished)) {
      note(name, "was not finished; it will be removed");
    }
  }
  return segments;
}

// A segment that the manifest names.
Status Verifier::listed(const LiveSegment& live) {
  const std::string name = segment_name(live.kind, live.number);
  const std::string path = directory_.path(name);
  auto file = directory_.files().open(path, FileSystem::Open::kRead);
  if (!file.ok()) {
    if (!file.error().is_missing()) return not_possible(file.error());
    damaged(path, 0, "the segment is missing");
    return Status::success();
  }
  auto size = file.value()->size();
  if (!size.ok()) return not_possible(size.error());
  if (size.value() != live.size) {
    damaged(
        path, std::min(size.value(), live.size),
        "it has " + std::to_string(size.value()) + " bytes, and had " + std::to_string(live.size));
  }
  if (live.kind == SegmentKind::kCopies) return copies(live, size.value());
  if (expected_ != live.first_frame) catalog_.reset();
  expected_ = live.first_frame;
  return segment(name, false);
}

// Batches that the cleaner kept: one after the other up to the foot.
Status Verifier::copies(const LiveSegment& live, std::uint64_t size) {
  const std::string path = directory_.path(segment_name(live.kind, live.number));
  ++out_.segments;
  out_.bytes += size;
  SegmentHeader header;
  const Segment segment(directory_.files(), path, header);
  FileWindow window(segment, size);
  auto start = window.bytes(0, std::min<std::uint64_t>(size, kSegmentHeaderSize));
  if (!start.ok()) return start.status();
  auto bad = read_segment_header(start.value(), header);
  if (!bad && (header.kind != live.kind || header.number != live.number)) {
    bad = BadBytes{24, "its header is that of another segment"};
  }
  if (!bad && header.journal != journal_) bad = BadBytes{16, "it belongs to another journal"};
  if (bad) {
    damaged(path, bad->at, "header: " + bad->why);
    return Status::success();
  }
  SegmentEntries entries;
  std::uint64_t at = kSegmentHeaderSize;
  while (size - at >= kBatchHeadSize) {
    auto head = window.bytes(at, kBatchHeadSize);
    if (!head.ok()) return head.status();
    if (begins_foot(head.value())) break;
    const auto length = batch_size(head.value());
    if (!length || *length > size - at) break;
    auto bytes = window.bytes(at, *length);
    if (!bytes.ok()) return bytes.status();
    FrameBatch batch;
    if (const auto wrong = parse_batch(bytes.value(), batch)) {
      damaged(path, at, "a batch: " + wrong->why);
      return Status::success();
    }
    check_records(path, at, "", batch);
    entries[batch.where].push_back({batch.base, batch.next, at, *length, batch.append_time,
                                    batch.max_timestamp, batch.compacted != Timestamp()});
    at += *length;
  }
  Trailer trailer;
  trailer.number = header.number;
  trailer.first_frame = header.first_frame;
  trailer.last_frame = header.first_frame - 1;
  trailer.frames_end = at;
  return check_foot(segment, size, entries, trailer);
}

Status Verifier::segment(const std::string& name, bool last) {
  const std::string path = directory_.path(name);
  auto file = directory_.files().open(path, FileSystem::Open::kRead);
  if (!file.ok()) return not_possible(file.error());
  auto size = file.value()->size();
  if (!size.ok()) return not_possible(size.error());
  ++out_.segments;
  out_.bytes += size.value();
  Bytes start(kSegmentHeaderSize, '\0');
  auto read = file.value()->read_at(0, start);
  if (!read.ok()) return not_possible(read.error());
  start.resize(read.value());
  SegmentHeader header;
  auto bad = read_segment_header(start, header);
  if (!bad && segment_name(header.kind, header.number) != name) {
    bad = BadBytes{24, "its header is that of another segment"};
  }
  if (!bad && header.journal != journal_.value_or(header.journal)) {
    bad = BadBytes{16, "it belongs to another journal"};
  }
  if (!bad && header.size() > size.value()) bad = BadBytes{size.value(), "its catalog is cut off"};
  if (!bad && header.first_frame != expected_.value_or(header.first_frame)) {
    bad = BadBytes{32, "frames before its first one are missing"};
  }
  if (bad) {
    damaged(path, bad->at, "header: " + bad->why + "; the rest was not read");
    expected_.reset();
    catalog_.reset();
    return Status::success();
  }
  journal_ = header.journal;
  expected_ = header.first_frame;
  Status status = read_mark();
  if (!status.ok()) return status;
  const Segment segment(directory_.files(), path, header);
  auto catalog = read_catalog(segment);
  Bytes before;
  Bytes found;
  if (catalog_) catalog_->encode(before);
  if (catalog.ok()) catalog.value().encode(found);
  if (!catalog.ok() || (catalog_ && before != found)) {
    damaged(path, kSegmentHeaderSize,
            "its catalog is damaged, or not the sum of the frames before");
  } else {
    catalog_ = std::move(catalog.value());
  }
  auto scanned = frames(segment, size.value());
  if (!scanned.ok()) return scanned.status();
  return behind(segment, size.value(), scanned.value(), last);
}

Result<Verifier::Scanned> Verifier::frames(const Segment& segment, std::uint64_t size) {
  Scanned scanned;
  scanned.last = segment.header().first_frame - 1;
  scanned.end = segment.header().size();
  FrameScanner scanner(segment, scanned.end, size);
  ParsedFrame parsed;
  for (;;) {
    auto found = scanner.next(parsed);
    if (!found.ok()) return found.status();
    if (found.value() == FrameScanner::Found::kEnd) return scanned;
    if (found.value() == FrameScanner::Found::kFrame) {
      frame(segment, scanner.frame_at(), parsed);
      scanner.locate(parsed, scanned.entries);
      scanned.last = parsed.number;
      scanned.end = scanner.at();
      continue;
    }
    const BadBytes bad = scanner.bad();
    const Status skipped = scanner.skip();
    if (!skipped.ok()) return skipped;
    if (scanner.at() == size) {  // no frame behind it: a foot, a tail, or the last frame damaged
      scanned.tail = true;
      scanned.bad = bad;
      return scanned;
    }
    scanned.whole = false;
    damaged(segment.path(), bad.at,
            "frame " + (expected_ ? std::to_string(expected_->value()) : "?") + ": " + bad.why);
    expected_.reset();
    catalog_.reset();
  }
}

void Verifier::frame(const Segment& segment, std::uint64_t at, const ParsedFrame& parsed) {
  const std::string name = "frame " + std::to_string(parsed.number.value()) + ": ";
  if (parsed.number != expected_.value_or(parsed.number)) {
    damaged(segment.path(), at,
            name + "frame " + std::to_string(expected_->value()) + " belongs here");
    catalog_.reset();
  }
  expected_ = parsed.number + 1;
  if (catalog_) {
    if (const auto refused = catalog_->apply(parsed.frame)) {
      damaged(segment.path(), at, name + *refused);
      catalog_.reset();
    }
  }
  ++out_.frames;
  for (std::size_t i = 0; i < parsed.places.size(); ++i) {
    check_records(segment.path(), at + parsed.places[i].at, name, parsed.frame.batches[i]);
  }
}

void Verifier::check_records(const std::string& path, std::uint64_t at, const std::string& name,
                             const FrameBatch& batch) {
  RecordDecoder decoder(batch.base, batch.encoded);
  RecordView record;
  std::int32_t records = 0;
  bool inside = true;
  for (; decoder.next(record); ++records) inside = inside && record.offset < batch.next;
  if (decoder.damaged() || records != batch.records || !inside) {
    damaged(path, at, name + "the records of a batch are malformed");
  }
  ++out_.batches;
  out_.records += static_cast<std::uint64_t>(records);
}

// What lies behind the last frame: the foot that the frames lead to, byte by byte; or a tail.
Status Verifier::behind(const Segment& segment, std::uint64_t size, const Scanned& scanned,
                        bool last) {
  if (!scanned.tail) {
    if (!last) damaged(segment.path(), size, "its foot is missing");
    if (last) tail(segment, size, scanned);
    return Status::success();
  }
  Bytes rest(static_cast<std::size_t>(size - scanned.end), '\0');
  const Status read = segment.read(scanned.end, rest);
  if (!read.ok()) return read;
  const bool foot = rest.size() >= 4 && begins_foot(rest);
  const bool sealed = rest.size() >= kTrailerSize &&
                      read_trailer(BytesView(rest).substr(rest.size() - kTrailerSize)).has_value();
  if (!foot && !sealed && last) {
    tail(segment, size, scanned);
    return Status::success();
  }
  if (!foot && sealed) {
    const auto trailer = read_trailer(BytesView(rest).substr(rest.size() - kTrailerSize));
    if (trailer->frames_end > scanned.end) {
      damaged(segment.path(), scanned.bad.at,
              "frame " + std::to_string(scanned.last.value() + 1) + ": " + scanned.bad.why);
      expected_ = trailer->last_frame + 1;
      catalog_.reset();
      return Status::success();
    }
  }
  if (!scanned.whole) return Status::success();  // named already; the foot cannot be derived
  Trailer trailer;
  trailer.number = segment.header().number;
  trailer.first_frame = segment.header().first_frame;
  trailer.last_frame = scanned.last;
  trailer.frames_end = scanned.end;
  return check_foot(segment, size, scanned.entries, trailer);
}

// The foot is that to which the batches lead, byte by byte.
Status Verifier::check_foot(const Segment& segment, std::uint64_t size,
                            const SegmentEntries& entries, Trailer trailer) {
  Bytes rest(static_cast<std::size_t>(size - trailer.frames_end), '\0');
  const Status read = segment.read(trailer.frames_end, rest);
  if (!read.ok()) return read;
  Bytes expected;
  SegmentPages pages;
  encode_foot(entries, trailer, expected, pages);
  const auto differ = std::ranges::mismatch(rest, expected);
  if (differ.in1 != rest.end() || differ.in2 != expected.end()) {
    damaged(segment.path(),
            trailer.frames_end + static_cast<std::uint64_t>(differ.in1 - rest.begin()),
            "its foot is not what lies before it leads to");
  }
  return Status::success();
}

// The end of the last segment, against what was known to be durable.
void Verifier::tail(const Segment& segment, std::uint64_t size, const Scanned& scanned) {
  const auto position = std::max(mark_.first, mark_.second);
  const std::string name = "frame " + std::to_string(scanned.last.value() + 1) + ": ";
  const std::string why = scanned.tail ? scanned.bad.why : "the file ends too early";
  const std::uint64_t at = scanned.tail ? scanned.bad.at : size;
  if (position && position->segment == segment.header().number && scanned.end < position->at) {
    damaged(segment.path(), at,
            name + why + "; it was durable up to byte " + std::to_string(position->at));
  } else if (scanned.tail) {
    out_.noted.push_back({segment.path(), at,
                          name + why + ": a torn tail of " + std::to_string(size - scanned.end) +
                              " bytes, never acknowledged; opening the journal cuts it"});
  }
}

Status Verifier::read_mark() {
  if (std::exchange(mark_read_, true)) return Status::success();
  auto slots = SyncedMark::slots(directory_, *journal_);
  if (!slots.ok()) return not_possible(slots.error());
  mark_ = slots.value();
  const std::string path = directory_.path(kSyncedFile);
  if (!mark_.there) {
    damaged(path, 0, "it is missing");
  } else if (!mark_.first && !mark_.second) {
    damaged(path, 0, "nothing in it can be believed");
  } else if (!mark_.first || !mark_.second) {
    damaged(path, mark_.first ? SyncedMark::kSlotSize : 0,
            "one of its two slots does not hold (a power cut leaves that too); the other one does");
  }
  return Status::success();
}

}  // namespace

Result<Verified> verify(const std::string& directory, FileSystem& files) {
  return Verifier(directory, files).run();
}

}  // namespace millrace::log::journal
