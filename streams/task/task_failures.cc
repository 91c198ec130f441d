// The task's half of what fails: where a failure came from, and what is left out of the replay.
#include <algorithm>
#include <exception>
#include <utility>

#include "millrace/detail/assert.h"
#include "millrace/detail/failpoint.h"
#include "task/stream_task.h"

namespace millrace::task {

namespace {

// A second or two of failures that come one by one.
constexpr int kGuardedCommits = 16;

class ChangelogSender final : public state::ChangelogWriter {
 public:
  ChangelogSender(OutputBuffer& output, graph::SinkTarget target, Partition partition)
      : output_(output), target_(target), partition_(partition) {}

  void write(BytesView key, OptionalBytesView value, Timestamp timestamp) override {
    output_.send(target_, partition_, key, value, std::max(timestamp, Timestamp{}),
                 Headers::none());
  }

 private:
  OutputBuffer& output_;
  const graph::SinkTarget target_;
  const Partition partition_;
};

// The node that an exception came from, where it says so.
std::string node_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const graph::NodeError& e) {
    return e.node();
  } catch (...) {
    return "";
  }
}

}  // namespace

// REQUIRES: an exception is being handled.
Failure StreamTask::failed_to_decode() {
  const std::size_t source = busy_.queue();
  RecordQueue& queue = *queues_[source];
  const RecordView& record = queue.busy_record();
  Failure failure =
      blame_.ask(ErrorPhase::kDeserialization, graph_.source(source_names_[source]).name(),
                 {.source = source, .record = record}, std::current_exception());
  if (failure.left_out()) queue.leave_out(record.offset);
  return failure;
}

// REQUIRES: an exception is being handled.
Failure StreamTask::failed_to_run() {
  const std::exception_ptr error = std::current_exception();
  const std::string node = node_of(error);
  const auto& nodes = environment_.graph.nodes();
  const bool at_sink = std::any_of(nodes.begin(), nodes.end(), [&](const graph::NodeSpec& spec) {
    return spec.kind == graph::NodeKind::kSink && spec.name == node;
  });
  return blame_last(at_sink ? ErrorPhase::kProduction : ErrorPhase::kProcessing, node, error);
}

Failure StreamTask::blame_only_step(const std::string& node, const std::exception_ptr& error) {
  MILLRACE_ASSERT(steps_.taken() == 1, "blame among several");
  return blame_last(ErrorPhase::kProduction, node, error);
}

Failure StreamTask::blame_last(ErrorPhase phase, const std::string& node,
                               const std::exception_ptr& error) {
  const WorkItem& item = last_.item;
  if (item.kind == WorkItem::Kind::kPunctuation) {
    Item punctuation{.schedule = item.of,
                     .punctuation = punctuations_.describe(item.of, stream_time(), item.wall)};
    punctuation.record.timestamp = punctuations_.time_of(item.of, stream_time(), item.wall);
    Failure failure = blame_.ask(phase, node, punctuation, error);
    if (failure.left_out()) {
      steps_.leave_out_last(blame_.left_out_punctuation());
      last_.item.left_out = blame_.left_out_punctuation();
      guard();
    }
    return failure;
  }
  RecordQueue& queue = *queues_[item.queue()];
  const RecordView& record = queue.retained(last_.at);
  Failure failure = blame_.ask(phase, node, {.source = item.queue(), .record = record}, error);
  if (failure.left_out()) {
    steps_.forget_last();
    queue.leave_out(record.offset);
    guard();
  }
  return failure;
}

void StreamTask::guard() { guarded_commits_ = kGuardedCommits; }

// Effect: where a savepoint is set, all that the last step did is undone, and what is left out of it is
// passed by. Returns false if only an abort of the transaction can do that.
bool StreamTask::take_back_last() {
  if (!savepoint_.is_set()) return false;
  close_graph();
  savepoint_.roll_back();
  try {
    build_graph();
    if (last_.item.kind == WorkItem::Kind::kRecord) {
      RecordQueue& queue = *queues_[last_.item.queue()];
      if (queue.taken() > last_.at) queue.take_back();
    }
    if (last_.item.left_out != 0) {
      pass_by(last_.item);
    } else {
      last_ = before_last_;
    }
    MR_FAILPOINT("careful.taken_back");
  } catch (...) {
    return false;  // there is progress left: an abort will follow, and meet it again
  }
  return true;
}

// Returns false if that could not be taken back: then it is taken, and waits for an abort.
bool StreamTask::rehearse(const WorkItem& item) {
  try {
    run(item, true);
  } catch (...) {  // will be met again
  }
  if (!take_back_last()) return false;
  steps_.forget_last();
  return true;
}

std::optional<Failure> StreamTask::write_changes(std::size_t& budget) {
  for (; writing_ < changelogs_.size(); ++writing_) {
    const Changelog& changelog = changelogs_[writing_];
    if (changelog.cells == nullptr) continue;  // backs off because its disk did not open
    ChangelogSender sender(environment_.output, changelog_targets_[writing_], id_.partition);
    try {
      changelog.cells->write_some(sender, budget);
    } catch (const std::exception& e) {
      return unexplained(changelog.store, e.what());
    } catch (...) {
      return unexplained(changelog.store, "an exception that is not a std::exception");
    }
    if (budget == 0) break;
  }
  return std::nullopt;
}

// REQUIRES: an exception is being handled.
Failure StreamTask::unexplained(const std::string& store, const std::string& what) const {
  Failure failure;
  failure.text = "task " + to_string(id_) + ": store " + store +
                 " cannot be written to its changelog: " + what +
                 ". The transaction was aborted: its records will be read again";
  failure.error = std::current_exception();
  failure.node = store;
  return failure;
}

}  // namespace millrace::task
