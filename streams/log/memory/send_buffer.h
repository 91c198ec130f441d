// Records that a producer took and has not delivered yet, with copies of their bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "log/producer.h"

namespace millrace::log::memory {

class SendBuffer {
 public:
  struct Item {
    SinkTopic sink;
    Partition partition;
    Timestamp timestamp;
    std::size_t at;         // of the key in the bytes; the value follows
    std::int32_t key_size;  // −1: null
    std::int32_t value_size;
    std::int32_t headers;  // −1: none
  };

  bool empty() const { return first_ == items_.size(); }
  std::size_t size() const { return items_.size() - first_; }
  std::size_t bytes() const { return bytes_.size(); }

  void add(SinkTopic sink, Partition partition, const OutgoingRecord& record);

  // REQUIRES: i < size().
  const Item& operator[](std::size_t i) const { return items_[first_ + i]; }

  // Lifetime: until the buffer changes.
  OutgoingRecord record(const Item& item) const;

  // REQUIRES: n <= size(). Memory is used again once the buffer is empty.
  void drop_front(std::size_t n);
  void clear() { drop_front(size()); }

 private:
  std::vector<Item> items_;
  Bytes bytes_;
  std::vector<Headers> headers_;
  std::size_t first_ = 0;
};

}  // namespace millrace::log::memory
