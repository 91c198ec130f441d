#include "log/journal/batch_reader.h"

#include "log/journal/frame_codec.h"

namespace millrace::log::journal {

Result<FrameBatch> read_batch(const BatchLocation& where, Bytes& buffer) {
  buffer.resize(where.size);
  const Status read = where.segment->read(where.at, buffer);
  if (!read.ok()) return read;
  FrameBatch batch;
  if (const auto bad = parse_batch(buffer, batch)) {
    return damaged(where.segment->path(), where.at + bad->at, bad->why);
  }
  if (batch.where != where.where || batch.base != where.base || batch.next != where.next) {
    return damaged(where.segment->path(), where.at, "another batch lies here");
  }
  return batch;
}

}  // namespace millrace::log::journal
