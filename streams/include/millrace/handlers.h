// What becomes of a record that cannot be processed: handlers that answer with a verdict, and the
// dead letter topic (docs/failures.md).
//
//   StreamsConfig config{
//       .application_id = "amounts",
//       .bootstrap_servers = "kafka1:9092",
//       .errors = {.deserialization = ErrorAction::kDeadLetter,
//                  .processing = [](const ErrorContext& where, const std::exception&) {
//                    return where.attempt < 3 ? ErrorAction::kRetry : ErrorAction::kDeadLetter;
//                  },
//                  .dead_letter_topic = "amounts-dead-letters"}};
//
// A record that is skipped or set aside leaves no trace: what it did to stores, windows and outputs
// before it failed is undone, and the records around it are processed as if it had not been there.
// (Kafka Streams keeps what the record did before the node that failed, SEMANTICS §1.10.)
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <string>
#include <utility>

#include "millrace/bytes.h"
#include "millrace/headers.h"
#include "millrace/ids.h"
#include "millrace/time.h"

namespace millrace {

// A handler's verdict on one record or punctuation.
enum class ErrorAction {
  kFail,        // the uncaught handler decides, see UncaughtAction
  kSkip,        // leave it out, counted (docs/failures.md, "What is counted")
  kDeadLetter,  // leave it out, and write it to ErrorHandling::dead_letter_topic
  kRetry,       // process it again after a pause, which grows with each attempt
};

// What failed.
enum class ErrorPhase {
  kDeserialization,  // a serde at a source, a timestamp extractor, a null where none may be
  kProcessing,       // a function of the topology's, a processor, a punctuator
  kProduction,       // a serde or partitioner at a sink, a changelog's serde, a record that is too
                     // large for its topic or that the broker refuses
};

// Where it failed. Views and references live for the call.
struct ErrorContext {
  ErrorPhase phase;
  std::string_view node;  // of the topology; for a changelog the store's name
  TaskId task;
  std::string_view topic;  // of the source record; empty inside a punctuation
  Partition partition;
  Offset offset;           // kNoOffset inside a punctuation
  Timestamp timestamp;     // of the source record, or of the punctuation
  const Headers& headers;  // of the source record
  // The source record as it lies in the log; absent inside a punctuation. millrace never writes
  // these bytes to a logger, and a handler that does publishes what may be secret.
  OptionalBytesView key;
  OptionalBytesView value;
  int attempt = 1;  // how often this record has failed in a row: 1, 2, ...
};

// A verdict for all records, or a function that finds one for each. The function is called on the
// worker's thread, copied per worker, and may be called again for a record whose transaction was
// lost by a crash. The exception is the one that was thrown; where that is not a std::exception, one
// that says so. A handler that throws means kFail.
class ErrorHandler {
 public:
  ErrorHandler() = default;  // kFail
  ErrorHandler(ErrorAction always) : always_(always) {}

  template <class F>
  requires std::is_invocable_r_v<ErrorAction, F&, const ErrorContext&, const std::exception&>
  ErrorHandler(F f) : function_(std::move(f)) {}

  ErrorAction operator()(const ErrorContext& where, const std::exception& error) const {
    return function_ ? function_(where, error) : always_;
  }

  // True if it is a verdict for all records, and this one.
  bool is_always(ErrorAction action) const { return !function_ && always_ == action; }

 private:
  ErrorAction always_ = ErrorAction::kFail;
  std::function<ErrorAction(const ErrorContext&, const std::exception&)> function_;
};

// What a failure means that no handler took. In each case the transaction is aborted first: nothing
// of it is visible, and nothing is lost.
enum class UncaughtAction {
  // This task pauses, for 1 s first and twice as long each time, at most ErrorHandling::task_timeout;
  // then it goes on where it was, and if the record fails again, its handler is asked again. All
  // other tasks go on.
  kBackOff,
  kReplaceThread,    // the worker ends, and another takes its tasks
  kStopClient,       // this process stops: Streams::State::kFailed
  kStopApplication,  // the same: an application is one process in this version
};

// Says what is to happen, given the failure in words: task, node, place, what was thrown.
using UncaughtHandler = std::function<UncaughtAction(const std::exception&)>;

struct ErrorHandling {
  ErrorHandler deserialization = {};
  ErrorHandler processing = {};
  ErrorHandler production = {};

  // Where dead letters go: key and value of the source record as they were, its headers, and
  // headers that say what happened. Written in the transaction that leaves the record out, so each
  // exactly once. It must exist.
  std::string dead_letter_topic = {};

  UncaughtHandler uncaught = {};  // empty: kBackOff

  // The longest pause of a task that backs off (task.timeout.ms). At least 1 ms.
  Duration task_timeout{300'000};
};

}  // namespace millrace
