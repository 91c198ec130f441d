#include "log/journal/frame_codec.h"

#include "log/journal/crc32c.h"
#include "log/journal/varint.h"
#include "millrace/detail/encoding.h"

namespace millrace::log::journal {

namespace {

using detail::load_int;
using detail::store_int;

constexpr std::uint32_t kFrameMagic = 0x4d52'4631;  // "MRF1"
constexpr std::uint32_t kBatchMagic = 0x4d52'4231;  // "MRB1"
constexpr std::size_t kChecked = 8;     // what lies behind magic and checksum is checked
constexpr std::size_t kTableEntry = 8;  // size and checksum of a batch

std::uint32_t salt(JournalId journal) {
  char bytes[8];
  store_int(journal.value(), bytes);
  return crc32c(BytesView(bytes, sizeof(bytes)));
}

void append_place(PartitionKey where, Bytes& out) {
  append_varint(static_cast<std::uint64_t>(where.topic.value()), out);
  append_varint(static_cast<std::uint64_t>(where.partition.value()), out);
}
bool read_place(BytesView& in, PartitionKey& where) {
  std::int32_t topic = 0;
  std::int32_t partition = 0;
  if (!read_number(in, topic) || !read_number(in, partition)) return false;
  where = {TopicId(topic), Partition(partition)};
  return true;
}
bool read_offset(BytesView& in, Offset& offset) {
  std::int64_t value = 0;
  if (!read_number(in, value)) return false;
  offset = Offset(value);
  return true;
}

void append_orders(const Frame& frame, Bytes& out) {
  append_varint(frame.offsets.size(), out);
  for (const FrameOffset& offset : frame.offsets) {
    append_text(offset.group, out);
    append_place(offset.where, out);
    append_varint(static_cast<std::uint64_t>(offset.offset.value()), out);
    append_text(offset.metadata, out);
  }
  append_varint(frame.topics_made.size(), out);
  for (const TopicMade& topic : frame.topics_made) {
    append_varint(static_cast<std::uint64_t>(topic.id.value()), out);
    append_text(topic.name, out);
    append_varint(static_cast<std::uint64_t>(topic.partitions), out);
    append_config(topic.config, out);
  }
  append_varint(frame.topics_deleted.size(), out);
  for (const TopicId id : frame.topics_deleted) {
    append_varint(static_cast<std::uint64_t>(id.value()), out);
  }
  append_varint(frame.deletions.size(), out);
  for (const RecordsDeleted& deleted : frame.deletions) {
    append_place(deleted.where, out);
    append_varint(static_cast<std::uint64_t>(deleted.below.value()), out);
  }
}

bool read_offsets(BytesView& in, std::vector<FrameOffset>& offsets) {
  std::uint64_t count = 0;
  if (!read_varint(in, count)) return false;
  for (; count > 0; --count) {
    FrameOffset& offset = offsets.emplace_back();
    BytesView group;
    BytesView metadata;
    if (!read_text(in, group) || !read_place(in, offset.where) || !read_offset(in, offset.offset) ||
        !read_text(in, metadata)) {
      return false;
    }
    offset.group = group;
    offset.metadata = metadata;
  }
  return true;
}

bool read_topics(BytesView& in, Frame& frame) {
  std::uint64_t count = 0;
  if (!read_varint(in, count)) return false;
  for (; count > 0; --count) {
    TopicMade& topic = frame.topics_made.emplace_back();
    std::int32_t id = 0;
    BytesView name;
    if (!read_number(in, id) || !read_text(in, name) || !read_number(in, topic.partitions) ||
        !read_config(in, topic.config)) {
      return false;
    }
    topic.id = TopicId(id);
    topic.name = name;
  }
  if (!read_varint(in, count)) return false;
  for (; count > 0; --count) {
    std::int32_t id = 0;
    if (!read_number(in, id)) return false;
    frame.topics_deleted.emplace_back(id);
  }
  return true;
}

bool read_orders(BytesView& in, Frame& frame) {
  if (!read_offsets(in, frame.offsets) || !read_topics(in, frame)) return false;
  std::uint64_t count = 0;
  if (!read_varint(in, count)) return false;
  for (; count > 0; --count) {
    RecordsDeleted& deleted = frame.deletions.emplace_back();
    if (!read_place(in, deleted.where) || !read_offset(in, deleted.below)) return false;
  }
  return in.empty();
}

}  // namespace

std::uint32_t encode_batch(const FrameBatch& batch, Bytes& out) {
  char head[kBatchHeadSize];
  store_int(kBatchMagic, head);
  store_int(static_cast<std::uint32_t>(kBatchHeadSize + batch.encoded.size()), head + 8);
  store_int(batch.records, head + 12);
  store_int(batch.where.topic.value(), head + 16);
  store_int(batch.where.partition.value(), head + 20);
  store_int(batch.base.value(), head + 24);
  store_int(batch.next.value(), head + 32);
  store_int(to_ms(batch.append_time), head + 40);
  store_int(to_ms(batch.max_timestamp), head + 48);
  store_int(to_ms(batch.compacted), head + 56);
  const std::uint32_t crc =
      crc32c(batch.encoded, crc32c(BytesView(head + kChecked, kBatchHeadSize - kChecked)));
  store_int(crc, head + 4);
  out.append(head, kBatchHeadSize);
  out.append(batch.encoded);
  return crc;
}

std::optional<std::uint32_t> batch_size(BytesView bytes) {
  const auto size = load_int<std::uint32_t>(bytes.data() + 8);
  if (load_int<std::uint32_t>(bytes.data()) != kBatchMagic || size < kBatchHeadSize) {
    return std::nullopt;
  }
  return size;
}

std::optional<BadBytes> parse_batch(BytesView bytes, FrameBatch& out) {
  if (bytes.size() < kBatchHeadSize) return BadBytes{0, "a batch is cut off"};
  const char* head = bytes.data();
  if (load_int<std::uint32_t>(head) != kBatchMagic) return BadBytes{0, "no batch begins here"};
  if (load_int<std::uint32_t>(head + 8) != bytes.size() ||
      load_int<std::uint32_t>(head + 4) != crc32c(bytes.substr(kChecked))) {
    return BadBytes{0, "the checksum of a batch does not hold"};
  }
  out.records = load_int<std::int32_t>(head + 12);
  out.where.topic = TopicId(load_int<std::int32_t>(head + 16));
  out.where.partition = Partition(load_int<std::int32_t>(head + 20));
  out.base = Offset(load_int<std::int64_t>(head + 24));
  out.next = Offset(load_int<std::int64_t>(head + 32));
  out.append_time = from_ms(load_int<std::int64_t>(head + 40));
  out.max_timestamp = from_ms(load_int<std::int64_t>(head + 48));
  out.compacted = from_ms(load_int<std::int64_t>(head + 56));
  out.encoded = bytes.substr(kBatchHeadSize);
  return std::nullopt;
}

void encode_frame(const Frame& frame, JournalId journal, FrameNumber number, FrameNumber durable,
                  Bytes& out, std::vector<BatchPlace>& places) {
  const std::size_t from = out.size();
  std::size_t table = from + kFrameFixedSize;
  out.append(kFrameFixedSize + frame.batches.size() * kTableEntry, '\0');
  append_orders(frame, out);
  const std::size_t head_size = out.size() - from;
  for (const FrameBatch& batch : frame.batches) {
    const std::size_t at = out.size();
    const std::uint32_t crc = encode_batch(batch, out);
    const auto size = static_cast<std::uint32_t>(out.size() - at);
    places.push_back({at - from, size});
    store_int(size, out.data() + table);
    store_int(crc, out.data() + table + 4);
    table += kTableEntry;
  }
  char* head = out.data() + from;
  store_int(kFrameMagic, head);
  store_int(static_cast<std::uint32_t>(head_size), head + 8);
  store_int(static_cast<std::uint32_t>(frame.batches.size()), head + 12);
  store_int(number.value(), head + 16);
  store_int(durable.value(), head + 24);
  store_int(std::uint64_t{out.size() - from}, head + 32);
  store_int(crc32c(BytesView(head + kChecked, head_size - kChecked), salt(journal)), head + 4);
}

std::optional<FrameHead> read_frame_head(BytesView bytes) {
  const char* at = bytes.data();
  if (load_int<std::uint32_t>(at) != kFrameMagic) return std::nullopt;
  FrameHead head;
  head.head_size = load_int<std::uint32_t>(at + 8);
  head.batches = load_int<std::uint32_t>(at + 12);
  head.number = FrameNumber(load_int<std::int64_t>(at + 16));
  head.durable = FrameNumber(load_int<std::int64_t>(at + 24));
  head.size = load_int<std::uint64_t>(at + 32);
  const bool sane = head.head_size >= kFrameFixedSize + std::uint64_t{head.batches} * kTableEntry &&
                    head.size >= head.head_size + std::uint64_t{head.batches} * kBatchHeadSize;
  return sane ? std::optional(head) : std::nullopt;
}

bool frame_head_holds(const FrameHead& head, JournalId journal, BytesView bytes) {
  return load_int<std::uint32_t>(bytes.data() + 4) ==
         crc32c(bytes.substr(kChecked, head.head_size - kChecked), salt(journal));
}

std::optional<BadBytes> parse_frame(const FrameHead& head, JournalId journal, BytesView bytes,
                                    ParsedFrame& out) {
  if (!frame_head_holds(head, journal, bytes)) {
    return BadBytes{0, "the checksum of a frame's head does not hold"};
  }
  out.number = head.number;
  out.durable = head.durable;
  out.frame = {};
  out.places.clear();
  const std::size_t table_end = kFrameFixedSize + head.batches * kTableEntry;
  BytesView orders = bytes.substr(table_end, head.head_size - table_end);
  if (!read_orders(orders, out.frame)) return BadBytes{table_end, "a frame's head is malformed"};
  std::uint64_t at = head.head_size;
  for (std::size_t entry = kFrameFixedSize; entry < table_end; entry += kTableEntry) {
    const auto size = load_int<std::uint32_t>(bytes.data() + entry);
    if (size > bytes.size() - at) return BadBytes{entry, "a frame's table of batches is malformed"};
    FrameBatch& batch = out.frame.batches.emplace_back();
    if (auto bad = parse_batch(bytes.substr(at, size), batch)) {
      bad->at += at;
      return bad;
    }
    if (load_int<std::uint32_t>(bytes.data() + at + 4) !=
        load_int<std::uint32_t>(bytes.data() + entry + 4)) {
      return BadBytes{at, "a batch is not the one that its frame names"};
    }
    out.places.push_back({at, size});
    at += size;
  }
  if (at != bytes.size()) return BadBytes{at, "a frame is longer than what is in it"};
  return std::nullopt;
}

}  // namespace millrace::log::journal
