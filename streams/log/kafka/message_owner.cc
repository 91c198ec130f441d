#include "log/kafka/message_owner.h"

#include <librdkafka/rdkafka.h>

namespace millrace::log {
namespace {

OptionalBytesView view_of(const void* data, std::size_t size) {
  if (data == nullptr) return std::nullopt;
  return BytesView(static_cast<const char*>(data), size);
}

}  // namespace

MessageOwner::~MessageOwner() {
  for (rd_kafka_message_t* message : messages_) rd_kafka_message_destroy(message);
}

RecordView MessageOwner::add(rd_kafka_message_s* message) {
  messages_.push_back(message);
  RecordView record;
  record.key = view_of(message->key, message->key_len);
  record.value = view_of(message->payload, message->len);
  record.offset = Offset(message->offset);
  rd_kafka_timestamp_type_t type;
  const std::int64_t timestamp = rd_kafka_message_timestamp(message, &type);
  record.timestamp = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? kNoTimestamp : from_ms(timestamp);

  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return record;
  Headers& copy = headers_.emplace_back();
  const char* name;
  const void* value;
  std::size_t size;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    const OptionalBytesView bytes = view_of(value, size);
    copy.add(name, bytes ? OptionalBytes(*bytes) : std::nullopt);
  }
  record.headers = &copy;
  return record;
}

}  // namespace millrace::log
