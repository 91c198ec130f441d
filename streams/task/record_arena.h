// Memory for the records of one partition, first in, first out: a record's bytes are copied in when
// it arrives and stay until the transaction that took it is committed, so that an abort replays
// without fetching again (DESIGN §5). Views into a fetched batch would pin the whole batch.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>

#include "millrace/record.h"

namespace millrace::task {

// Not thread-safe.
class RecordArena {
 public:
  // Effect: copies the record. The returned view lives until release_front() reaches it.
  RecordView copy(const RecordView& record);

  // Effect: frees what the `count` oldest records hold.
  void release_front(std::size_t count);
  void clear();

  std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kChunkBytes = 64 * 1024;

  struct Chunk {
    std::unique_ptr<char[]> memory;
    std::size_t size = 0;
    std::size_t used = 0;
    std::size_t records = 0;  // that begin in it and are not released
  };

  Chunk& chunk_with_room(std::size_t size);

  std::deque<Chunk> chunks_;
  std::deque<Headers> headers_;    // of the records that have any, in order
  std::deque<bool> has_headers_;   // per record
  std::unique_ptr<char[]> spare_;  // one chunk kept for reuse
  std::size_t bytes_ = 0;
};

}  // namespace millrace::task
