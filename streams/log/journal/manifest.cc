#include "log/journal/manifest.h"

#include "log/journal/crc32c.h"
#include "millrace/detail/encoding.h"

namespace millrace::log::journal {

namespace {

using detail::append_int;
using detail::load_int;

constexpr std::uint32_t kMagic = 0x4d52'4d31;  // "MRM1"
constexpr std::size_t kFixedSize = 44;
constexpr std::size_t kEntrySize = 36;

}  // namespace

Bytes encode_manifest(const Manifest& manifest) {
  Bytes out;
  append_int(kMagic, out);
  append_int(std::uint32_t{0}, out);
  append_int(manifest.journal.value(), out);
  append_int(manifest.frames_from.value(), out);
  append_int(manifest.next_frame.value(), out);
  append_int(manifest.next_copies.value(), out);
  append_int(static_cast<std::uint32_t>(manifest.live.size()), out);
  for (const LiveSegment& segment : manifest.live) {
    append_int(static_cast<std::uint32_t>(segment.kind), out);
    append_int(segment.number.value(), out);
    append_int(segment.size, out);
    append_int(segment.first_frame.value(), out);
    append_int(segment.last_frame.value(), out);
  }
  detail::store_int(crc32c(BytesView(out).substr(8)), out.data() + 4);
  return out;
}

std::optional<Manifest> decode_manifest(BytesView bytes) {
  if (bytes.size() < kFixedSize || load_int<std::uint32_t>(bytes.data()) != kMagic ||
      load_int<std::uint32_t>(bytes.data() + 4) != crc32c(bytes.substr(8))) {
    return std::nullopt;
  }
  const char* at = bytes.data();
  Manifest manifest;
  manifest.journal = JournalId(load_int<std::int64_t>(at + 8));
  manifest.frames_from = SegmentNumber(load_int<std::int64_t>(at + 16));
  manifest.next_frame = FrameNumber(load_int<std::int64_t>(at + 24));
  manifest.next_copies = SegmentNumber(load_int<std::int64_t>(at + 32));
  const auto count = load_int<std::uint32_t>(at + 40);
  if (bytes.size() != kFixedSize + std::uint64_t{count} * kEntrySize) return std::nullopt;
  at += kFixedSize;
  for (std::uint32_t i = 0; i < count; ++i, at += kEntrySize) {
    const auto kind = load_int<std::uint32_t>(at);
    if (kind != 1 && kind != 2) return std::nullopt;
    manifest.live.push_back(
        {static_cast<SegmentKind>(kind), SegmentNumber(load_int<std::int64_t>(at + 4)),
         load_int<std::uint64_t>(at + 12), FrameNumber(load_int<std::int64_t>(at + 20)),
         FrameNumber(load_int<std::int64_t>(at + 28))});
  }
  return manifest;
}

FileResult<ReadManifest> read_manifest(const Directory& directory) {
  auto file = directory.files().open(directory.path(kManifestFile), FileSystem::Open::kRead);
  if (!file.ok()) {
    if (file.error().is_missing()) return ReadManifest{};
    return file.error();
  }
  auto size = file.value()->size();
  if (!size.ok()) return size.error();
  Bytes bytes(static_cast<std::size_t>(size.value()), '\0');
  auto read = file.value()->read_at(0, bytes);
  if (!read.ok()) return read.error();
  bytes.resize(read.value());
  return ReadManifest{true, decode_manifest(bytes)};
}

}  // namespace millrace::log::journal
