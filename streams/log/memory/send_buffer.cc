#include "log/memory/send_buffer.h"

namespace millrace::log::memory {

void SendBuffer::add(SinkTopic sink, Partition partition, const OutgoingRecord& record) {
  Item item{.sink = sink,
            .partition = partition,
            .timestamp = record.timestamp,
            .at = bytes_.size(),
            .key_size = record.key ? static_cast<std::int32_t>(record.key->size()) : -1,
            .value_size = record.value ? static_cast<std::int32_t>(record.value->size()) : -1,
            .headers = -1};
  if (record.key) bytes_.append(*record.key);
  if (record.value) bytes_.append(*record.value);
  if (!record.headers->empty()) {
    item.headers = static_cast<std::int32_t>(headers_.size());
    headers_.push_back(*record.headers);
  }
  items_.push_back(item);
}

OutgoingRecord SendBuffer::record(const Item& item) const {
  const BytesView bytes = bytes_;
  const std::size_t key_size = item.key_size > 0 ? static_cast<std::size_t>(item.key_size) : 0;
  OutgoingRecord record;
  if (item.key_size >= 0) record.key = bytes.substr(item.at, key_size);
  if (item.value_size >= 0) {
    record.value = bytes.substr(item.at + key_size, static_cast<std::size_t>(item.value_size));
  }
  record.timestamp = item.timestamp;
  if (item.headers >= 0) record.headers = &headers_[static_cast<std::size_t>(item.headers)];
  return record;
}

void SendBuffer::drop_front(std::size_t n) {
  first_ += n;
  if (first_ < items_.size()) return;
  items_.clear();
  bytes_.clear();
  headers_.clear();
  first_ = 0;
}

}  // namespace millrace::log::memory
