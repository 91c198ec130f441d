// Writes the dead letter topic: what could not be processed, as it came, with headers that say what
// happened (names as in KIP-1034, and __errors.* for what that has no name for).
//
//   key, value, timestamp, headers   of the source record; absent for a punctuation
//   __streams.errors.exception       the exception's type
//   __streams.errors.message         what it said
//   __streams.errors.topic, .partition, .offset   of the source record, in decimal
//   __errors.phase, __errors.node, __errors.task
#pragma once

#include <optional>
#include <string>

#include "millrace/handlers.h"
#include "millrace/ids.h"
#include "millrace/record.h"
#include "task/output_buffer.h"

namespace millrace::task {

std::string_view to_string(ErrorPhase phase);

// What went wrong with one record or punctuation.
struct Reason {
  ErrorPhase phase = ErrorPhase::kProcessing;
  std::string node;
  std::string exception;  // its type
  std::string message;
};

// Not thread-safe: belongs to one task.
class DeadLetters {
 public:
  // `topic`: its full name, empty: there are no dead letters.
  DeadLetters(TaskId task, OutputBuffer& output, const std::string& topic, std::int32_t partitions);

  bool enabled() const { return target_.index >= 0; }

  // Whether the letter fits into what the topic takes.
  bool fits(const TopicPartition& where, const RecordView& record, const Reason& reason) const;

  // Effect: sends it. Partition: by the key, or that of the source record, as far as there is one.
  // REQUIRES: enabled().
  void send(const TopicPartition& where, const RecordView& record, const Reason& reason);

 private:
  Headers headers(const TopicPartition& where, const RecordView& record,
                  const Reason& reason) const;

  const TaskId task_;
  OutputBuffer& output_;
  graph::SinkTarget target_;
};

}  // namespace millrace::task
