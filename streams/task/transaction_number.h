// The number of a task's transaction, beside the committed offset of its anchor partition: after a
// commit whose outcome is unknown, the number read back is the outcome (ENGINE §3).
//
//   63 … 24: counts the task's commits    23 … 0: who wrote it
//
// So numbers of one task only grow, and two writers that go on from the same commit do not give theirs
// the same number. What earlier versions wrote is a bare count: smaller than whatever follows it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "millrace/ids.h"
#include "millrace/time.h"

namespace millrace::task {

// Its name in task memory and beside committed offsets.
inline constexpr std::string_view kTransactionNumberName = "#";

// One producer of one transactional id, in 24 bits.
using Writer = StrongInt<struct WriterTag, std::int32_t>;

inline constexpr int kWriterBits = 24;

// A transactional id may be taken over by another process, which knows nothing of this one: the
// time at which the producer was made tells them apart, `producer` those of one process. Two are
// equal once in 17 million times.
Writer writer_of(std::string_view transactional_id, std::int64_t producer, Timestamp made);

// `last`: what is in the log; negative: nothing is.
constexpr std::int64_t next_transaction_number(std::int64_t last, Writer writer) {
  return (((std::max<std::int64_t>(last, 0) >> kWriterBits) + 1) << kWriterBits) | writer.value();
}

// How many commits of this task there were.
constexpr std::int64_t commits_counted(std::int64_t number) { return number >> kWriterBits; }

}  // namespace millrace::task
