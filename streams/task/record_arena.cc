#include "task/record_arena.h"

#include <cstring>
#include <utility>

namespace millrace::task {

RecordView RecordArena::copy(const RecordView& record) {
  const std::size_t key_size = record.key ? record.key->size() : 0;
  const std::size_t value_size = record.value ? record.value->size() : 0;
  Chunk& chunk = chunk_with_room(key_size + value_size);
  char* at = chunk.memory.get() + chunk.used;
  chunk.used += key_size + value_size;
  ++chunk.records;

  RecordView copied = record;
  if (key_size > 0) std::memcpy(at, record.key->data(), key_size);
  if (value_size > 0) std::memcpy(at + key_size, record.value->data(), value_size);
  if (record.key) copied.key = BytesView(at, key_size);
  if (record.value) copied.value = BytesView(at + key_size, value_size);
  has_headers_.push_back(!record.headers->empty());
  copied.headers = has_headers_.back() ? &headers_.emplace_back(*record.headers) : &Headers::none();
  return copied;
}

RecordArena::Chunk& RecordArena::chunk_with_room(std::size_t size) {
  if (!chunks_.empty() && chunks_.back().size - chunks_.back().used >= size) return chunks_.back();
  Chunk chunk;
  chunk.size = size > kChunkBytes ? size : kChunkBytes;
  if (chunk.size == kChunkBytes && spare_) {
    chunk.memory = std::move(spare_);
  } else {
    chunk.memory = std::make_unique_for_overwrite<char[]>(chunk.size);
  }
  bytes_ += chunk.size;
  chunks_.push_back(std::move(chunk));
  return chunks_.back();
}

void RecordArena::release_front(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (has_headers_.front()) headers_.pop_front();
    has_headers_.pop_front();
    while (chunks_.front().records == 0) {  // a chunk that was left for lack of room
      bytes_ -= chunks_.front().size;
      chunks_.pop_front();
    }
    Chunk& chunk = chunks_.front();
    if (--chunk.records > 0) continue;
    bytes_ -= chunk.size;
    if (chunk.size == kChunkBytes) spare_ = std::move(chunk.memory);
    chunks_.pop_front();
  }
}

void RecordArena::clear() {
  chunks_.clear();
  headers_.clear();
  has_headers_.clear();
  bytes_ = 0;
}

}  // namespace millrace::task
