#include "log/journal/segment_list.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace millrace::log::journal {

namespace {

// The number in the name of a segment; nullopt: it is none.
std::optional<SegmentNumber> number_of(const std::string& name, std::string_view ending) {
  if (!name.ends_with(ending)) return std::nullopt;
  std::int64_t number = 0;
  const char* end = name.data() + name.size() - ending.size();
  const auto read = std::from_chars(name.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end || number <= 0) return std::nullopt;
  return SegmentNumber(number);
}

// The manifest, as far as there is one.
Status take_manifest(const Directory& directory, SegmentList& list) {
  auto read = read_manifest(directory);
  if (!read.ok()) return not_possible(read.error());
  if (!read.value().there) return Status::success();
  if (!read.value().manifest) {
    return damaged(directory.path(kManifestFile), 0, "its checksum does not hold");
  }
  list.manifest_there = true;
  list.manifest = std::move(*read.value().manifest);
  return Status::success();
}

}  // namespace

Result<SegmentList> list_segments(const Directory& directory) {
  SegmentList list;
  const Status status = take_manifest(directory, list);
  if (!status.ok()) return status;
  auto names = directory.files().list(directory.path());
  if (!names.ok()) return not_possible(names.error());
  const auto listed = [&](SegmentKind kind, SegmentNumber number) {
    return std::ranges::any_of(list.manifest.live, [&](const LiveSegment& live) {
      return live.kind == kind && live.number == number;
    });
  };
  for (const std::string& name : names.value()) {
    if (name.ends_with(kUnfinished)) {
      if (auto error = directory.files().remove(directory.path(name))) return not_possible(*error);
    } else if (const auto frames = number_of(name, ".segment")) {
      if (*frames >= list.manifest.frames_from) {
        list.frames.push_back(*frames);
      } else if (!listed(SegmentKind::kFrames, *frames)) {
        list.leftovers.push_back(name);
      }
    } else if (const auto copies = number_of(name, ".copies")) {
      if (!listed(SegmentKind::kCopies, *copies)) list.leftovers.push_back(name);
    }
  }
  std::ranges::sort(list.frames);
  return list;
}

Result<FoundSegment> find_segment(const Directory& directory, SegmentKind kind,
                                  SegmentNumber number, JournalId journal) {
  const std::string path = directory.path(segment_name(kind, number));
  auto file = directory.files().open(path, FileSystem::Open::kRead);
  if (!file.ok()) {
    if (file.error().is_missing()) return damaged(path, 0, "the segment is missing");
    return not_possible(file.error());
  }
  auto size = file.value()->size();
  if (!size.ok()) return not_possible(size.error());
  Bytes bytes(kSegmentHeaderSize, '\0');
  auto read = file.value()->read_at(0, bytes);
  if (!read.ok()) return damaged(path, 0, read.error().what);
  bytes.resize(read.value());
  SegmentHeader header;
  if (const auto bad = read_segment_header(bytes, header)) return damaged(path, bad->at, bad->why);
  if (header.number != number || header.kind != kind) {
    return damaged(path, 24, "its header is that of another segment");
  }
  if (journal != JournalId() && header.journal != journal) {
    return damaged(path, 16, "it belongs to another journal");
  }
  if (header.size() > size.value()) return damaged(path, size.value(), "its catalog is cut off");
  return FoundSegment{directory.segment(header), size.value()};
}

}  // namespace millrace::log::journal
