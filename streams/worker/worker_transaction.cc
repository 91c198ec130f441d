// The worker's half of a transaction: what a commit, an abort, a replay and a doubt mean for its tasks.
#include <algorithm>
#include <utility>

#include "millrace/detail/failpoint.h"
#include "worker/worker.h"

namespace millrace::worker {

namespace {
// What a commit writes to the changelogs in one step of the worker: a millisecond or two.
constexpr std::size_t kCellsPerStep = 8'192;
}  // namespace

void Worker::begin_changes() {
  for (auto& [id, entry] : tasks_->entries()) entry.task->begin_changes();
}

TransactionHost::Written Worker::write_changes() {
  std::size_t budget = kCellsPerStep;
  for (auto& [id, entry] : tasks_->entries()) {
    if (!in_transaction(entry.state)) continue;
    if (const auto failure = entry.task->write_changes(budget)) {
      find_culprit(id, entry, *failure);
      return Written::kFailed;
    }
    if (budget == 0) return Written::kSome;
  }
  return Written::kAll;
}

std::optional<std::string> Worker::collect_offsets(std::vector<log::OffsetToCommit>& offsets,
                                                   task::Writer writer) {
  in_commit_.clear();
  for (auto& [id, entry] : tasks_->entries()) {
    if (!in_transaction(entry.state) || !entry.task->has_progress() ||
        !entry.task->changes_written())
      continue;
    if (auto failure = entry.task->append_offsets(offsets, writer)) return failure;
    in_commit_[id] = {entry.task->transaction_number(), entry.incarnation, entry.anchor};
  }
  return std::nullopt;
}

std::optional<log::FencingToken> Worker::token() {
  return membership_ ? membership_->token() : std::nullopt;
}

void Worker::publish(const std::vector<log::WrittenRange>& written) {
  if (careful_.active()) careful_.committed(steps_taken());
  refusal_noted_ = false;
  for (auto& [id, entry] : tasks_->entries()) {
    if (!in_transaction(entry.state) || !was_in_commit(id, entry)) continue;
    entry.task->commit(written);
    entry.failures = 0;
    MR_FAILPOINT("publish.mid");
  }
  in_commit_.clear();
  last_commit_ = clock_.monotonic();
  tasks_->transaction_ended(true);
  if (options_.on_transaction_end) options_.on_transaction_end(true);
  tasks_->check_disks();
  purge();
}

bool Worker::was_in_commit(TaskId id, const TaskSet::Entry& entry) const {
  const auto found = in_commit_.find(id);
  return found != in_commit_.end() && found->second.incarnation == entry.incarnation;
}

void Worker::replay() {
  in_commit_.clear();
  refusal_noted_ = false;
  tasks_->transaction_ended(false);
  if (options_.on_transaction_end) options_.on_transaction_end(false);
  for (auto& [id, entry] : tasks_->entries()) {
    if (!in_transaction(entry.state) || !entry.task->has_progress()) continue;
    try {
      entry.task->abort();
    } catch (const std::exception& e) {
      careful_.forget(id);
      tasks_->back_off_anew(id, entry,
                            "it cannot be set up again after an abort: " + task::exception_text(e),
                            tasks_->next_pause(entry));
    }
  }
}

// The outcome of a commit is what the log says: each task's transaction number stands beside its
// anchor's committed offset (ENGINE §3). A number that is neither the last one nor the one in doubt
// was written by somebody else.
void Worker::resolve(bool in_doubt) {
  std::map<TaskId, TopicPartition> anchors;
  for (const auto& [id, entry] : tasks_->entries()) {
    if (in_transaction(entry.state)) anchors[id] = entry.anchor;
  }
  if (in_doubt) {
    for (const auto& [id, pending] : in_commit_) anchors[id] = pending.anchor;  // here or not
  }
  if (anchors.empty()) {
    transaction_.resolved(false);
    return;
  }
  std::vector<TaskId> ids;
  std::vector<TopicPartition> partitions;
  for (const auto& [id, anchor] : anchors) {
    ids.push_back(id);
    partitions.push_back(anchor);
  }
  // An earlier question may be answered after this one, with offsets from before later commits.
  const std::int64_t question = transaction_.question();
  admin_.committed_offsets(options_.application_id, partitions,
                           [=, this](const log::OffsetsCommitted& answer) {
                             if (transaction_.question() != question) return;
                             const auto committed = outcome_in_log(answer, ids, in_doubt);
                             if (!committed) return;
                             if (in_doubt)
                               logger_.info(std::string("the transaction in doubt was ") +
                                            (*committed ? "committed" : "aborted"));
                             transaction_.resolved(*committed);
                           });
}

// nullopt: somebody else has committed for these tasks, and this worker has stopped.
std::optional<bool> Worker::outcome_in_log(const log::OffsetsCommitted& answer,
                                           const std::vector<TaskId>& ids, bool in_doubt) {
  std::vector<std::int64_t> numbers;
  for (const auto& partition : answer.offsets) {
    numbers.push_back(state::TaskMemory::kUnknown);
    for (const auto& [name, value] : task::decode_commit_metadata(partition.metadata).entries) {
      if (name == task::kTransactionNumberName) numbers.back() = value;
    }
  }
  // A commit is of all its tasks or of none, and only its writer gives its numbers. So one task that has
  // it proves it, also where the others' next owners have committed since then; and one that lacks it
  // refutes it, because numbers only grow: should two writers ever be equal, that shows.
  bool refuted = false;
  bool proved = false;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto pending = in_commit_.find(ids[i]);
    if (!in_doubt || pending == in_commit_.end()) continue;
    refuted = refuted || numbers[i] < pending->second.number;
    proved = proved || numbers[i] == pending->second.number;
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto found = tasks_->entries().find(ids[i]);
    const TaskSet::Entry* entry = found == tasks_->entries().end() ? nullptr : &found->second;
    if (entry && !in_transaction(entry->state)) entry = nullptr;
    const std::int64_t in_log = numbers[i];
    const auto pending = in_commit_.find(ids[i]);
    const bool committed =
        in_doubt && !refuted && pending != in_commit_.end() && in_log == pending->second.number;
    if (entry && !committed && in_log != entry->task->committed_number()) {
      const auto held = membership_->token();
      // A member learns from its group that a task was lost; where there is no group, or it takes
      // nothing back without an answer, nobody will tell.
      if (!held || (held->generation >= 0 && !membership_->waits_for_answers())) continue;
      fail("task " + to_string(ids[i]) + ": another process has committed for it (" +
           to_string(entry->anchor) +
           "): two run with the same application.id. Nothing uncommitted is visible and nothing is "
           "lost; stop one "
           "of the two");
      return std::nullopt;
    }
  }
  return proved && !refuted;
}

void Worker::close_revoked() {
  tasks_->close_revoked();
  // What is in no commit is undone, whatever becomes of the transaction that comes next.
  if (in_commit_.empty()) tasks_->transaction_ended(false);
}

void Worker::acknowledge() {
  // The next owner goes on from the committed offsets. A group that fences by its generation may go
  // on at once; where only the transactional id fences, a commit in doubt must be out of the way.
  answer_later_ =
      membership_->waits_for_answers() && transaction_.state() == ProducerState::kRotating;
  if (answer_later_) return;
  MR_FAILPOINT("revoke.before");
  for (; unanswered_ > 0; --unanswered_) membership_->acknowledge();
  MR_FAILPOINT("revoke.after");
  revoked_since_.reset();
  membership_state_ = next_state(membership_state_, MembershipEvent::kAcknowledged);
}

void Worker::close_lost() { close_revoked(); }

void Worker::stop(std::string why) { fail(std::move(why)); }

// What nobody will read again: repartition records below the committed offsets, and changelog
// records of windows that are gone (DESIGN §7 "History"). Seldom, and nobody waits for it.
void Worker::purge() {
  constexpr Duration kEvery{30'000};
  const Duration now = clock_.monotonic();
  if (now < next_purge_) return;
  next_purge_ = now + kEvery;
  std::vector<log::DeleteBelow> below;
  const auto& repartition = startup_.plan().repartition_topics;
  for (const auto& [id, entry] : tasks_->entries()) {
    if (entry.state != TaskState::kRunning) continue;
    const auto& sources = entry.task->sources();
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const bool internal =
          std::find(repartition.begin(), repartition.end(), sources[i].topic) != repartition.end();
      if (internal) below.push_back({sources[i], entry.task->next_offset(i)});
    }
    for (const auto& changelog : entry.task->purgeable())
      below.push_back({changelog.where, changelog.below});
  }
  MR_FAILPOINT("purge.before");
  if (!below.empty()) admin_.delete_records(std::move(below));
  MR_FAILPOINT("purge.sent");
}

}  // namespace millrace::worker
