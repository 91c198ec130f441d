#include "log/journal/synced_mark.h"

#include "log/journal/crc32c.h"
#include "millrace/detail/encoding.h"

namespace millrace::log::journal {

namespace {

using detail::load_int;
using detail::store_int;

constexpr std::uint32_t kMagic = 0x4d52'5331;  // "MRS1"

Bytes encode(JournalId journal, SyncedPosition position) {
  Bytes slot(SyncedMark::kSlotSize, '\0');
  store_int(kMagic, slot.data());
  store_int(journal.value(), slot.data() + 8);
  store_int(position.segment.value(), slot.data() + 16);
  store_int(position.at, slot.data() + 24);
  store_int(position.frame.value(), slot.data() + 32);
  store_int(crc32c(BytesView(slot).substr(8)), slot.data() + 4);
  return slot;
}

std::optional<SyncedPosition> decode(JournalId journal, BytesView slot) {
  const char* at = slot.data();
  if (load_int<std::uint32_t>(at) != kMagic ||
      load_int<std::uint32_t>(at + 4) != crc32c(slot.substr(8)) ||
      load_int<std::int64_t>(at + 8) != journal.value()) {
    return std::nullopt;
  }
  return SyncedPosition{SegmentNumber(load_int<std::int64_t>(at + 16)),
                        load_int<std::uint64_t>(at + 24),
                        FrameNumber(load_int<std::int64_t>(at + 32))};
}

}  // namespace

FileResult<SyncedMark> SyncedMark::make(const Directory& directory, JournalId journal,
                                        SyncedPosition position) {
  const Bytes slot = encode(journal, position);
  const BytesView both[] = {slot, slot};
  auto file = directory.place(kSyncedFile, both);
  if (!file.ok()) return file.error();
  return SyncedMark(journal, std::move(file.value()));
}

FileResult<SyncedMark::Slots> SyncedMark::slots(const Directory& directory, JournalId journal) {
  auto file = directory.files().open(directory.path(kSyncedFile), FileSystem::Open::kRead);
  if (!file.ok()) {
    if (file.error().is_missing()) return Slots{};
    return file.error();
  }
  Bytes bytes(2 * kSlotSize, '\0');
  auto size = file.value()->read_at(0, bytes);
  if (!size.ok()) return size.error();
  return Slots{true, decode(journal, BytesView(bytes).substr(0, kSlotSize)),
               decode(journal, BytesView(bytes).substr(kSlotSize))};
}

FileResult<SyncedMark> SyncedMark::open(const Directory& directory, JournalId journal) {
  auto file = directory.files().open(directory.path(kSyncedFile), FileSystem::Open::kAppend);
  if (!file.ok()) return file.error();
  return SyncedMark(journal, std::move(file.value()));
}

FileStatus SyncedMark::note(SyncedPosition position) {
  if (!pinned_) return pin(position);
  return file_->write_at(kSlotSize, encode(journal_, position));
}

FileStatus SyncedMark::pin(SyncedPosition position) {
  // The other slot first: while this one is written it is the only one. It is written again, because a
  // sync that failed may have lost what note() wrote.
  const Bytes slot = encode(journal_, position);
  if (pinned_) {
    if (auto error = file_->write_at(kSlotSize, slot)) return error;
    if (auto error = file_->sync()) return error;
  }
  pinned_ = false;
  if (auto error = file_->write_at(0, slot)) return error;
  if (auto error = file_->sync()) return error;
  pinned_ = true;
  return std::nullopt;
}

}  // namespace millrace::log::journal
