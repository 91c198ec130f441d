// The messages behind the views of one drain: they pin the buffers they were fetched in, and give
// them back when the batch lets go. Holds the client too: a message must not outlive it.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "log/kafka/kafka_handle.h"
#include "log/reader.h"

namespace millrace::log {

class MessageOwner final : public RecordBatch::Owner {
 public:
  MessageOwner(std::shared_ptr<Client> client, std::size_t messages) : client_(std::move(client)) {
    messages_.reserve(messages);
  }
  ~MessageOwner() override;

  // Effect: takes the message. The view is valid as long as this object.
  RecordView add(rd_kafka_message_s* message);

 private:
  const std::shared_ptr<Client> client_;
  std::vector<rd_kafka_message_s*> messages_;
  std::deque<Headers> headers_;  // only of records that have some; addresses stay
};

}  // namespace millrace::log
