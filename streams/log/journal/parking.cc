#include "log/journal/parking.h"

#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "log/journal/live_topics.h"
#include "log/journal/transaction_frame.h"
#include "millrace/detail/encoding.h"

namespace millrace::log::journal {

namespace {

constexpr Partition kOnlyPartition{0};

const Catalog::Topic* parking_topic(const Catalog& catalog) { return catalog.find(kParkingTopic); }

PartitionKey parking_partition(const Catalog& catalog) {
  return {parking_topic(catalog)->id, kOnlyPartition};
}

// Batches as bytes, one behind another: integers big-endian, then the records' bytes behind their
// length.
void encode(const FrameBatch& batch, Bytes& out) {
  detail::append_int(batch.where.topic.value(), out);
  detail::append_int(batch.where.partition.value(), out);
  detail::append_int(batch.base.value(), out);
  detail::append_int(batch.next.value(), out);
  detail::append_int(batch.records, out);
  detail::append_int(to_ms(batch.append_time), out);
  detail::append_int(to_ms(batch.max_timestamp), out);
  detail::append_sized(batch.encoded, out);
}

// Takes a batch off the front; its bytes stay where they are.
std::optional<FrameBatch> decode(BytesView& in) {
  const auto topic = detail::read_int<std::int32_t>(in);
  const auto partition = detail::read_int<std::int32_t>(in);
  const auto base = detail::read_int<std::int64_t>(in);
  const auto next = detail::read_int<std::int64_t>(in);
  const auto records = detail::read_int<std::int32_t>(in);
  const auto appended = detail::read_int<std::int64_t>(in);
  const auto stamped = detail::read_int<std::int64_t>(in);
  if (!topic || !partition || !base || !next || !records || !appended || !stamped)
    return std::nullopt;
  const auto encoded = detail::read_sized(in);
  if (!encoded || !*encoded) return std::nullopt;
  return FrameBatch{{TopicId(*topic), Partition(*partition)},
                    Offset(*base),
                    Offset(*next),
                    *records,
                    from_ms(*appended),
                    from_ms(*stamped),
                    **encoded};
}

// Effect: a batch for each of the transaction's entries, its marker behind the last or alone.
void encode_entries(const JournalTransaction& transaction, Timestamp now, Bytes& out) {
  for (const JournalTransaction::Touched& touched : transaction.touched) {
    if (touched.topic->removed()) continue;
    const LivePartition& partition = *touched.topic->partition(touched.partition);
    for (auto entry = partition.unsettled_begin(); entry != partition.unsettled_end(); ++entry) {
      if (entry->transaction.get() != &transaction) continue;
      FrameBatch batch{.where = partition.key(),
                       .base = entry->base,
                       .next = entry->next,
                       .records = 0,
                       .append_time = now,
                       .max_timestamp = kNoTimestamp,
                       .encoded = {}};
      if (entry->records) {
        batch.records = entry->records->records();
        batch.max_timestamp = entry->records->max_timestamp();
        batch.encoded = entry->records->bytes();
      }
      encode(batch, out);
    }
  }
}

// A parked transaction that went to its place is in the topic still, where an older one was left in it.
bool is_to_be_placed(const FrameBatch& batch, const Catalog& catalog) {
  const Catalog::Topic* topic = catalog.find(batch.where.topic);
  if (topic == nullptr) return false;
  const auto p = static_cast<std::size_t>(batch.where.partition.value());
  return p >= topic->partitions.size() || batch.base >= topic->partitions[p].next;
}

Status damaged() {
  return Status::fatal("the journal holds a parked transaction that cannot be read (topic " +
                       std::string(kParkingTopic) +
                       "): its directory is damaged; nothing was changed; restore it from a copy");
}

}  // namespace

std::optional<Frame> make_parking_topic(const Catalog& catalog) {
  if (parking_topic(catalog) != nullptr) return std::nullopt;
  Frame frame;
  frame.topics_made.push_back({.id = catalog.next_topic_id(),
                               .name = std::string(kParkingTopic),
                               .partitions = 1,
                               .config = {{"retention.ms", "-1"}}});
  return frame;
}

OwnedFrame park(const JournalTransaction& transaction, const Catalog& catalog, Timestamp now) {
  Bytes batches;
  encode_entries(transaction, now, batches);
  RecordEncoder encoder;
  encoder.add(0, std::nullopt, batches, now, Headers::none());
  const auto owned = std::make_shared<const RecordEncoder>(std::move(encoder));
  OwnedFrame parked;
  parked.bytes.emplace_back(owned, &owned->bytes());
  const Offset base = parking_topic(catalog)->partitions[0].next;
  parked.frame.batches.push_back({.where = parking_partition(catalog),
                                  .base = base,
                                  .next = base + 1,
                                  .records = 1,
                                  .append_time = now,
                                  .max_timestamp = now,
                                  .encoded = owned->bytes()});
  parked.frame.offsets = offsets_of(transaction, catalog);
  return parked;
}

RecordsDeleted unpark(const Catalog& catalog, std::optional<Offset> first_left) {
  return {parking_partition(catalog),
          first_left.value_or(parking_topic(catalog)->partitions[0].next)};
}

Result<std::optional<OwnedFrame>> place_parked(const FrameStore& store, const Catalog& catalog) {
  const Catalog::Topic* topic = parking_topic(catalog);
  if (topic == nullptr || topic->partitions[0].start >= topic->partitions[0].next)
    return std::optional<OwnedFrame>();
  OwnedFrame placed;
  const PartitionKey where = parking_partition(catalog);
  Offset at = topic->partitions[0].start;
  while (at < topic->partitions[0].next) {
    const auto found = store.find(where, at);
    if (!found.ok()) return found.status();
    if (!found.value()) return damaged();
    Result<StoredBatch> batch = store.read(*found.value());
    if (!batch.ok()) return batch.status();
    const auto bytes = std::make_shared<const Bytes>(std::move(batch.value().encoded));
    placed.bytes.push_back(bytes);
    RecordDecoder decoder(batch.value().base, *bytes);
    RecordView record;
    while (decoder.next(record)) {
      if (record.offset < at) continue;
      BytesView rest = record.value.value_or(BytesView());
      while (!rest.empty()) {
        const std::optional<FrameBatch> one = decode(rest);
        if (!one) return damaged();
        if (is_to_be_placed(*one, catalog)) placed.frame.batches.push_back(*one);
      }
    }
    if (decoder.damaged()) return damaged();
    at = batch.value().next;
  }
  std::ranges::sort(placed.frame.batches, [](const FrameBatch& a, const FrameBatch& b) {
    return std::tie(a.where, a.base) < std::tie(b.where, b.base);
  });
  placed.frame.deletions.push_back(unpark(catalog, std::nullopt));
  return std::optional(std::move(placed));
}

}  // namespace millrace::log::journal
