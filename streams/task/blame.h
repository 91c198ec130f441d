// What becomes of what failed in a task (ENGINE §4): asks the user's handlers, remembers what is to
// be left out, and writes its dead letter when the replay passes it by.
//
// A record that is left out stays so through every abort until its offset is committed; so its
// handler is asked once, and its dead letter is committed with the offset, once.
#pragma once

#include <exception>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "millrace/detail/node_context.h"
#include "millrace/handlers.h"
#include "millrace/logging.h"
#include "task/dead_letters.h"
#include "task/record_queue.h"

namespace millrace::task {

// An exception in words, with the node that it came from where that is known.
std::string exception_text(const std::exception& e);

// What failed, and what a handler said about it.
struct Failure {
  ErrorAction action = ErrorAction::kFail;
  std::string text;  // task, place, node, what was thrown
  int attempt = 1;   // of the same record, in a row
  // What was thrown, and where, if nobody was asked yet because the culprit is not known.
  std::exception_ptr error;
  std::string node;

  bool left_out() const {
    return action == ErrorAction::kSkip || action == ErrorAction::kDeadLetter;
  }
};

// What failed: a record of one of the task's sources, or a punctuation.
struct Item {
  static constexpr std::size_t kPunctuation = static_cast<std::size_t>(-1);

  std::size_t source = kPunctuation;
  RecordView record = {};        // of a punctuation its timestamp
  std::int64_t schedule = 0;     // a punctuation's
  std::string punctuation = {};  // in words

  bool is_punctuation() const { return source == kPunctuation; }
};

// Not thread-safe: belongs to one task.
class Blame {
 public:
  struct Parts {
    const ErrorHandling& errors;
    Logger& logger;
    const std::vector<TopicPartition>& sources;
    graph::NodeContext& counters;
    DeadLetters letters;
  };
  Blame(TaskId task, Parts parts);

  // Effect: asks the phase's handler about the exception. Where the verdict is to leave the item
  // out, that is remembered, and so is how often it failed. For undecodable state (StateError) no
  // item is to blame, and nobody is asked: kFail.
  Failure ask(ErrorPhase phase, const std::string& node, const Item& item,
              std::exception_ptr error);

  // Effect: the replay passes a record by that is left out: counted, its dead letter written.
  void pass_by(std::size_t source, const RecordView& record);

  // The same for a punctuation, by the number that left_out_punctuation() gave.
  void pass_by_punctuation(std::int64_t number);
  // REQUIRES: ask() has just said that a punctuation is left out.
  std::int64_t left_out_punctuation() const { return punctuations_; }

  // Effect: a source says that its nulls are dead letters: as ask() and pass_by() at once.
  void set_null_aside(std::size_t source, const RecordView& record, const std::string& node,
                      std::string_view what);

  // Effect: says that a record was dropped, because it has no time.
  void log_time_dropped(std::size_t source, const RecordView& record);

  // Whether something is left out, or set aside, that is not committed yet.
  bool leaves_out() const {
    return !left_out_.empty() || !punctuations_left_out_.empty() || set_null_aside_;
  }

  // Effect: forgets what lies below the offset that is committed for the source.
  void commit(std::size_t source, Offset next);
  // Effect: the rest of a commit: forgets the nulls that were set aside, and the punctuations that were
  // passed by, or all of these if nothing is left to replay.
  void commit(bool replaying);
  void abort() {
    passed_by_.clear();
    set_null_aside_ = false;
  }

 private:
  struct LeftOut {
    ErrorAction action;
    Reason reason;
    RecordView record;  // a punctuation's
  };
  void leave(const TopicPartition& where, const RecordView& record, const LeftOut& item);
  ErrorAction ask_handler(ErrorPhase phase, const std::string& node, const Item& item, int attempt,
                          const std::exception_ptr& error, std::string& handler_failure) const;
  int count_attempt(const Item& item);
  const TopicPartition& partition_of(const Item& item) const;
  void log(const std::string& text);

  using Key = std::pair<std::size_t, Offset>;
  const TaskId task_;
  Parts parts_;
  std::map<Key, LeftOut> left_out_;
  std::map<std::int64_t, LeftOut> punctuations_left_out_;
  std::int64_t punctuations_ = 0;        // that were left out, so far
  std::vector<std::int64_t> passed_by_;  // punctuations, in the open transaction
  bool set_null_aside_ = false;          // in the open transaction
  std::tuple<std::size_t, Offset, Timestamp> failed_last_{0, kNoOffset, {}};
  int attempts_ = 0;         // of failed_last_
  std::int64_t logged_ = 0;  // items that were left out
};

// A queue's way to the blame of its task.
class PassedBySource final : public PassedBy {
 public:
  PassedBySource(Blame& blame, std::size_t source) : blame_(blame), source_(source) {}
  void set_node(const std::string& node, bool logs_dropped_times) {
    node_ = node;
    logs_dropped_times_ = logs_dropped_times;
  }

  void left_out(const RecordView& record) override { blame_.pass_by(source_, record); }
  void time_dropped(const RecordView& record) override {
    if (logs_dropped_times_) blame_.log_time_dropped(source_, record);
  }
  void null_set_aside(const RecordView& record, std::string_view what) override {
    blame_.set_null_aside(source_, record, node_, what);
  }

 private:
  Blame& blame_;
  const std::size_t source_;
  std::string node_;  // the source's
  bool logs_dropped_times_ = false;
};

}  // namespace millrace::task
