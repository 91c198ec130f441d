#include "task/blame.h"

#include <bit>
#include <boost/core/demangle.hpp>
#include <stdexcept>
#include <type_traits>
#include <typeinfo>

#include "millrace/detail/node.h"
#include "millrace/error.h"

namespace millrace::task {

namespace {

// Effect: calls f with the exception as a std::exception, below the node's name if it has one.
template <class F>
std::invoke_result_t<const F&, const std::exception&> with_exception(
    const std::exception_ptr& error, const F& f) {
  try {
    std::rethrow_exception(error);
  } catch (const graph::NodeError& from_node) {
    return with_exception(from_node.nested_ptr(), f);
  } catch (const std::exception& e) {
    return f(e);
  } catch (...) {
    return f(std::runtime_error("an exception that is not a std::exception"));
  }
}

std::string type_name(const std::exception_ptr& error) {
  return with_exception(error, [](const std::exception& e) {
    return std::string(boost::core::demangle(typeid(e).name()));
  });
}

bool is_state_error(const std::exception_ptr& error) {
  return with_exception(error, [](const std::exception& e) {
    return dynamic_cast<const StateError*>(&e) != nullptr;
  });
}

graph::DropReason drop_reason(ErrorAction action, ErrorPhase phase) {
  if (action == ErrorAction::kDeadLetter) return graph::DropReason::kDeadLetter;
  switch (phase) {
    case ErrorPhase::kDeserialization:
      return graph::DropReason::kDeserialization;
    case ErrorPhase::kProcessing:
      return graph::DropReason::kProcessing;
    case ErrorPhase::kProduction:
      return graph::DropReason::kProduction;
  }
  return graph::DropReason::kProcessing;
}

const ErrorHandler& handler(const ErrorHandling& errors, ErrorPhase phase) {
  switch (phase) {
    case ErrorPhase::kDeserialization:
      return errors.deserialization;
    case ErrorPhase::kProcessing:
      return errors.processing;
    case ErrorPhase::kProduction:
      return errors.production;
  }
  return errors.processing;
}

}  // namespace

std::string exception_text(const std::exception& e) {
  const auto* from_node = dynamic_cast<const graph::NodeError*>(&e);
  if (!from_node) return e.what();
  return with_exception(from_node->nested_ptr(), [&](const std::exception& original) {
    return "node " + from_node->node() + ": " + original.what();
  });
}

Blame::Blame(TaskId task, Parts parts) : task_(task), parts_(std::move(parts)) {}

const TopicPartition& Blame::partition_of(const Item& item) const {
  static const TopicPartition kNone{"", Partition(0)};
  return item.is_punctuation() ? kNone : parts_.sources[item.source];
}

int Blame::count_attempt(const Item& item) {
  const std::tuple key(item.source,
                       item.is_punctuation() ? Offset(item.schedule) : item.record.offset,
                       item.record.timestamp);
  if (failed_last_ != key) attempts_ = 0;
  failed_last_ = key;
  return ++attempts_;
}

ErrorAction Blame::ask_handler(ErrorPhase phase, const std::string& node, const Item& item,
                               int attempt, const std::exception_ptr& error,
                               std::string& handler_failure) const {
  const TopicPartition& where = partition_of(item);
  const ErrorContext context{phase,
                             node,
                             task_,
                             where.topic,
                             where.partition,
                             item.record.offset,
                             item.record.timestamp,
                             *item.record.headers,
                             item.record.key,
                             item.record.value,
                             attempt};
  try {
    return with_exception(
        error, [&](const std::exception& e) { return handler(parts_.errors, phase)(context, e); });
  } catch (const std::exception& e) {
    handler_failure = std::string("; its handler failed, too: ") + e.what();
  } catch (...) {
    handler_failure = "; its handler failed, too";
  }
  return ErrorAction::kFail;
}

Failure Blame::ask(ErrorPhase phase, const std::string& node, const Item& item,
                   std::exception_ptr error) {
  const std::string message =
      with_exception(error, [](const std::exception& e) { return std::string(e.what()); });
  std::string but;
  Failure failure;
  failure.error = error;
  failure.node = node;
  failure.attempt = count_attempt(item);
  if (!is_state_error(error)) {
    failure.action = ask_handler(phase, node, item, failure.attempt, error, but);
  }
  LeftOut left_out{failure.action, {phase, node, type_name(error), message}, {}};
  if (failure.action == ErrorAction::kDeadLetter) {
    if (!parts_.letters.enabled()) {
      but = "; its handler says dead letter, and no dead letter topic is configured";
    } else if (!parts_.letters.fits(partition_of(item), item.record, left_out.reason)) {
      but = "; its dead letter is larger than the dead letter topic's max.message.bytes";
    }
    if (!but.empty()) failure.action = ErrorAction::kFail;
  }
  const std::string what =
      (item.is_punctuation()
           ? item.punctuation
           : to_string(partition_of(item)) + '@' + std::to_string(item.record.offset.value())) +
      ": node " + node + ": " + message;
  const std::string task = "task " + millrace::to_string(task_);
  if (failure.left_out()) {
    if (item.is_punctuation()) {
      left_out.record.timestamp = item.record.timestamp;
      punctuations_left_out_.emplace(++punctuations_, std::move(left_out));
    } else {
      left_out_.insert_or_assign(Key{item.source, item.record.offset}, std::move(left_out));
    }
    log(task +
        (failure.action == ErrorAction::kSkip ? " skips " : " sets aside as a dead letter ") +
        what);
  }
  failure.text = task + " failed " + (item.is_punctuation() ? "in " : "at ") + what + but +
                 ". The transaction was aborted: nothing that " +
                 (item.is_punctuation() ? "it did is visible, and it will be called again"
                                        : "this record did is visible, and it will be read again");
  return failure;
}

void Blame::pass_by(std::size_t source, const RecordView& record) {
  leave(parts_.sources[source], record, left_out_.at({source, record.offset}));
}

void Blame::pass_by_punctuation(std::int64_t number) {
  const LeftOut& item = punctuations_left_out_.at(number);
  leave(partition_of({}), item.record, item);
  passed_by_.push_back(number);
}

void Blame::set_null_aside(std::size_t source, const RecordView& record, const std::string& node,
                           std::string_view what) {
  leave(parts_.sources[source], record,
        {ErrorAction::kDeadLetter,
         {ErrorPhase::kDeserialization, node, "millrace::SerdeError",
          "a null " + std::string(what) + " where none may be"},
         {}});
  set_null_aside_ = true;
}

void Blame::log_time_dropped(std::size_t source, const RecordView& record) {
  log("task " + millrace::to_string(task_) + " skips " + to_string(parts_.sources[source]) + '@' +
      std::to_string(record.offset.value()) + ", which has no valid timestamp");
}

// A letter that cannot be sent throws: then the record is not left out, and not counted.
void Blame::leave(const TopicPartition& where, const RecordView& record, const LeftOut& item) {
  if (item.action == ErrorAction::kDeadLetter) parts_.letters.send(where, record, item.reason);
  parts_.counters.drop_counter(item.reason.node, drop_reason(item.action, item.reason.phase))
      .count();
}

void Blame::commit(std::size_t source, Offset next) {
  if (left_out_.empty()) return;
  left_out_.erase(left_out_.lower_bound({source, Offset(0)}),
                  left_out_.lower_bound({source, next}));
}

void Blame::commit(bool replaying) {
  set_null_aside_ = false;
  if (!replaying) punctuations_left_out_.clear();
  for (const std::int64_t number : passed_by_) punctuations_left_out_.erase(number);
  passed_by_.clear();
}

// One line each would drown everything else where many records are bad.
void Blame::log(const std::string& text) {
  ++logged_;
  if (logged_ > 8 && !std::has_single_bit(static_cast<std::uint64_t>(logged_))) return;
  parts_.logger.warning(
      text + (logged_ <= 8 ? "" : " (the " + std::to_string(logged_) + "th of this task)"));
}

}  // namespace millrace::task
