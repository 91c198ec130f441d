#include "log/journal/verify.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "log/journal/directory.h"
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
  std::vector<std::string> segments;
  for (const std::string& name : names.value()) {
    if (name.ends_with(".segment")) segments.push_back(name);
    if (name.starts_with("torn-")) {
      out_.noted.push_back({directory_.path(name), 0, "bytes that an earlier recovery cut off"});
    }
    if (name.ends_with(kUnfinished)) {
      out_.noted.push_back({directory_.path(name), 0, "was not finished; it will be removed"});
    }
  }
  if (segments.empty()) return Status::fatal(directory_.path() + " is no journal: no segment");
  auto lock = directory_.files().lock_to_read(directory_.path(kLockFile));
  if (!lock.ok()) {
    return Status::fatal("the journal is in use: " + lock.error().what +
                         ". Stop that process first, or verify a copy");
  }
  for (const std::string& name : segments) {
    const Status status = segment(name, name == segments.back());
    if (!status.ok()) return status;
  }
  return std::move(out_);
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
    const FrameBatch& batch = parsed.frame.batches[i];
    RecordDecoder decoder(batch.base, batch.encoded);
    RecordView record;
    std::int32_t records = 0;
    bool inside = true;
    for (; decoder.next(record); ++records) inside = inside && record.offset < batch.next;
    if (decoder.damaged() || records != batch.records || !inside) {
      damaged(segment.path(), at + parsed.places[i].at,
              name + "the records of a batch are malformed");
    }
    ++out_.batches;
    out_.records += static_cast<std::uint64_t>(records);
  }
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
  Bytes expected;
  SegmentPages pages;
  encode_foot(scanned.entries, trailer, expected, pages);
  const auto differ = std::ranges::mismatch(rest, expected);
  if (differ.in1 != rest.end() || differ.in2 != expected.end()) {
    damaged(segment.path(), scanned.end + static_cast<std::uint64_t>(differ.in1 - rest.begin()),
            "its foot is not what its frames lead to; opening the journal makes it again");
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
