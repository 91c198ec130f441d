#include "worker/worker.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "millrace/detail/failpoint.h"

namespace millrace::worker {

namespace {
// Ahead of a commit the client is woken, so that a heartbeat in between does not make the token
// stale (KAFKA_CLIENT §1.5, rule 9).
constexpr Duration kKickAhead{10};
// Back-to-back transactions cost ten times as much (KAFKA_CLIENT §10.2).
constexpr Duration kLeastCommitInterval{30};
// How long a task with records may wait for tasks with earlier ones that are at work all the time.
constexpr Duration kLongestTurn{100};
}  // namespace

std::string_view to_string(WorkerState state) {
  static constexpr std::array<std::string_view, 5> kNames = {"Starting", "Running", "Closing",
                                                             "Closed", "Failed"};
  return kNames[static_cast<std::size_t>(state)];
}

Worker::Worker(const graph::BuiltGraph& graph, WorkerOptions options, log::Log& log,
               const Clock& clock, Logger& logger)
    : graph_(graph),
      options_(std::move(options)),
      log_(log),
      clock_(clock),
      logger_(logger),
      admin_(log, inbox_, clock, logger, options_.admin_patience),
      startup_(graph, options_.application_id, options_.errors.dead_letter_topic, admin_),
      transaction_(*this, {log, inbox_, output_, clock, logger},
                   {options_.transactional_id, options_.transaction_timeout},
                   options_.max_fences_per_minute) {
  startup_.begin();
}

Worker::~Worker() = default;

bool Worker::step() {
  if (finished()) return false;
  bool moved = take_in_events();
  moved = admin_.pump() || moved;
  if (admin_.failure()) fail(*admin_.failure());
  if (startup_.failure()) fail(*startup_.failure());
  if (finished()) return true;
  if (state_ == WorkerState::kStarting) {
    if (!startup_.done()) return moved;
    begin_running();
  }
  if (!membership_ && transaction_.state() == ProducerState::kIdle) join_group();
  moved = tasks_->resume() || moved;
  moved = tasks_->feed() || moved;
  if (tasks_->failure()) fail(*tasks_->failure());
  if (finished()) return true;
  moved = transaction_.pump() || moved;
  moved = run_tasks() || moved;
  // A record that is passed by is no step, but its dead letter and its offset belong to a transaction.
  if (transaction_.state() == ProducerState::kIdle && anything_to_commit()) transaction_.stepped();
  moved = transaction_.pump() || moved;
  keep_memory();
  moved = commit_if_due() || moved;
  if (answer_later_ && transaction_.state() != ProducerState::kRotating) {
    acknowledge();
    moved = true;
  }
  if (state_ == WorkerState::kClosing) continue_closing();
  return moved || finished();
}

// What the membership says comes first: a flush that is over leads to a commit, and a commit must
// not go out for tasks that were lost before (ENGINE §3).
bool Worker::take_in_events() {
  std::vector<log::Event> events;
  log::Event event;
  while (inbox_.pop(event)) events.push_back(std::move(event));
  std::stable_partition(events.begin(), events.end(), [this](const log::Event& e) {
    return membership_ && e.epoch == membership_->epoch();
  });
  for (const log::Event& e : events) {
    if (!finished()) handle(e);
  }
  return !events.empty();
}

void Worker::handle(const log::Event& event) {
  if (transaction_.handle(event) || admin_.handle(event)) return;
  if (tasks_ && tasks_->handle(event)) return;
  if (membership_ && event.epoch == membership_->epoch()) {
    handle_membership(event);
    return;
  }
  ++counts_.outdated_events;
}

void Worker::handle_membership(const log::Event& event) {
  if (const auto* assigned = std::get_if<log::Assigned>(&event.what)) {
    membership_state_ = next_state(membership_state_, MembershipEvent::kAssigned);
    MR_FAILPOINT("assign.before");
    tasks_->assigned(assigned->partitions);
    membership_->acknowledge();
    MR_FAILPOINT("assign.after");
  } else if (const auto* revoked = std::get_if<log::Revoked>(&event.what)) {
    membership_state_ = next_state(membership_state_, MembershipEvent::kRevoked);
    ++counts_.revocations;
    ++unanswered_;
    if (!revoked_since_) revoked_since_ = clock_.monotonic();
    tasks_->revoked(revoked->partitions);
    transaction_.revoked();
  } else if (std::holds_alternative<log::Lost>(event.what)) {
    membership_state_ = next_state(membership_state_, MembershipEvent::kLost);
    unanswered_ = 0;
    revoked_since_.reset();
    logger_.warning("the group gave all tasks of this worker to others: " + event.status.message());
    tasks_->lost();
    transaction_.lost();
  } else if (!event.status.ok()) {
    fail("membership of group " + options_.application_id + ": " + event.status.message());
  } else if (event.operation != log::kNoOperation) {
    membership_state_ = next_state(membership_state_, MembershipEvent::kLeft);
    state_ = WorkerState::kClosed;
  }
}

void Worker::begin_running() {
  state_ = WorkerState::kRunning;
  output_.set_limits(startup_.plan().max_message_bytes);
  environment_ = std::make_unique<task::TaskEnvironment>(task::TaskEnvironment{
      graph_, startup_.plan(), options_.application_id, output_, options_.max_task_idle,
      options_.forget_typed_values, options_.errors, &logger_});
  tasks_ = std::make_unique<TaskSet>(
      *environment_, TaskSet::Parts{log_, inbox_, admin_, clock_, logger_},
      TaskSetOptions{options_.application_id, options_.offset_reset,
                     options_.buffered_records_per_partition, options_.on_restore,
                     options_.errors.task_timeout});
  environment_->disks = options_.disks;
  environment_->rehearse_steps = options_.rehearse_steps;
  environment_->wake = [this] { inbox_.wake(); };
  if (options_.memory) memory_.emplace(*options_.memory);
  last_commit_ = clock_.monotonic();
  next_purge_ = last_commit_;
  transaction_.start();
}

// After the first init, not before: it ends what an earlier process of this id may still have had
// under way, and the offsets that tasks go on from must be read after that.
void Worker::join_group() {
  membership_ = log_.make_membership(
      {.group = options_.application_id, .members_at_start = options_.workers_at_start}, inbox_);
  std::vector<log::AnchorTopic> anchors;
  for (const graph::SubtopologyPlan& plan : startup_.plan().subtopologies) {
    anchors.push_back({plan.anchor_topic, plan.source_partitions.at(plan.anchor_topic)});
  }
  membership_->join(std::move(anchors));
  // A broker that is away for long is waited for from here on (ENGINE §1): to stop would give up state
  // that took long to restore, and help nobody.
  admin_.wait_without_limit();
}

// Of the tasks that have a record the one whose record is earliest runs next: what they send to the
// same repartition topic arrives in order there, as far as one worker can see. Taking turns instead
// would let one partition of a backlog run ahead and make the others late.
bool Worker::run_tasks() {
  const task::Now now{clock_.monotonic(), clock_.now()};  // once, not per record
  const auto later = [](const Runnable& a, const Runnable& b) {
    return std::tie(a.at, a.id) > std::tie(b.at, b.id);
  };
  if (busy_since_) busy_ += now.monotonic - *std::exchange(busy_since_, std::nullopt);
  runnable_.clear();
  // Looking at a record may drop it, which is progress: only a transaction that takes records may
  // look. A worker that closes takes no more: what is left is for the next owner. One that is
  // paused takes none for now.
  const bool may_run = transaction_.may_step() && state_ != WorkerState::kClosing && !paused_;
  for (auto& [id, entry] : tasks_->entries()) {
    entry.wait_until.reset();
    if (entry.state != TaskState::kRunning) {
      entry.ran_last = busy_;
      continue;
    }
    if (!may_run) continue;
    if (!may_run_carefully(id, entry)) {
      entry.ran_last = busy_;
      continue;
    }
    const auto at = entry.task->next_time(now.wall);
    if (!at) {
      entry.ran_last = busy_;
    } else {
      // A backlog must not keep the others from running at all. A stall, in which nobody ran, is no
      // reason to leave the order of time.
      const bool starved = busy_ - entry.ran_last > kLongestTurn;
      runnable_.push_back({starved ? Timestamp::min() : *at, id, &entry});
    }
  }
  std::make_heap(runnable_.begin(), runnable_.end(), later);

  std::size_t budget = options_.max_records_per_step * runnable_.size();
  bool moved = false;
  while (!runnable_.empty() && budget > 0 && transaction_.may_step()) {
    std::pop_heap(runnable_.begin(), runnable_.end(), later);
    Runnable& first = runnable_.back();
    const Timestamp until = runnable_.size() > 1 ? runnable_.front().at : Timestamp::max();
    const std::size_t most = std::min(budget, options_.max_records_per_step);
    const Turn turn = run(first.id, *first.entry,
                          first.at == Timestamp::min() ? Timestamp::max() : until, most, now);
    budget -= turn.records;
    moved = moved || turn.records > 0;
    if (turn.failed) return true;
    if (!turn.next) {
      runnable_.pop_back();
      continue;
    }
    first.at = *turn.next;
    std::push_heap(runnable_.begin(), runnable_.end(), later);
  }
  if (budget == 0 && !runnable_.empty()) busy_since_ = now.monotonic;
  return moved;
}

// Effect: runs records of this task while they are no later than `until`, at least one, at most
// `most`.
Worker::Turn Worker::run(TaskId id, TaskSet::Entry& entry, Timestamp until, std::size_t most,
                         const task::Now& now) {
  Turn turn;
  while (turn.records < most && transaction_.may_step() && may_run_carefully(id, entry)) {
    task::StreamTask::Step step = entry.task->step(entry.caught_up, now);
    if (step.kind == task::StreamTask::Step::Kind::kFailed) {
      if (judge(id, entry, std::move(step.failure))) {
        MR_FAILPOINT("careful.left_out");
        transaction_.item_left_out();
      } else {
        transaction_.task_failed();
      }
      turn.failed = true;
      return turn;
    }
    const bool ran = step.kind == task::StreamTask::Step::Kind::kRan;
    if (!ran && step.kind != task::StreamTask::Step::Kind::kLeftOut) {
      entry.wait_until = step.wait_until;
      turn.next.reset();
      return turn;
    }
    MR_FAILPOINT("process.after");
    if (ran) ++(step.punctuated ? counts_.punctuations : counts_.records);
    ++turn.records;
    entry.ran_last = busy_;
    transaction_.stepped();
    turn.next = entry.task->next_time(now.wall);
    if (!turn.next || *turn.next > until) return turn;
  }
  if (!may_run_carefully(id, entry)) turn.next.reset();
  return turn;
}

bool Worker::anything_to_commit() const {
  const auto& entries = tasks_->entries();
  return std::any_of(entries.begin(), entries.end(), [](const auto& task) {
    return in_transaction(task.second.state) && task.second.task->has_progress();
  });
}

// Back to back only where memory or a processor asks for it, and never more often than is good.
Duration Worker::commit_interval() const {
  std::size_t retained = 0;
  bool asked = false;
  for (const auto& [id, entry] : tasks_->entries()) {
    if (!in_transaction(entry.state)) continue;
    retained += entry.task->retained_bytes();
    asked = asked || entry.task->commit_requested();
  }
  return asked || short_of_memory_ || retained > options_.max_retained_bytes
             ? std::min(kLeastCommitInterval, options_.commit_interval)
             : options_.commit_interval;
}

bool Worker::commit_if_due() {
  const Duration now = clock_.monotonic();
  if (revoked_since_ && now - *revoked_since_ >= options_.revoke_patience) {
    revoked_since_.reset();
    transaction_.revoke_overdue();
    return true;
  }
  const ProducerState state = transaction_.state();
  if (state != ProducerState::kIdle && state != ProducerState::kOpen) return false;
  const bool closing = state_ == WorkerState::kClosing;
  if (careful_.active() && !closing) return commit_carefully();
  const Duration interval = commit_interval();
  const Duration since = now - last_commit_;
  if (!closing && !commit_requested_) {
    if (since + kKickAhead >= interval && !kicked_) {
      if (membership_) membership_->kick();
      kicked_ = true;
    }
    if (since < interval) return false;
  }
  kicked_ = false;
  last_commit_ = now;
  if (!anything_to_commit()) return false;
  commit_requested_ = false;
  transaction_.commit_due();
  return true;
}

std::optional<Duration> Worker::next_timer() const {
  std::optional<Duration> next = next_timeout();
  if (!tasks_ || finished()) return next;
  if (!transaction_.may_step() || state_ == WorkerState::kClosing || paused_) return next;
  std::optional<Timestamp> due;
  for (const auto& [id, entry] : tasks_->entries()) {
    if (entry.state != TaskState::kRunning) continue;
    const auto at = entry.task->next_punctuation();
    if (at && (!due || *at < *due)) due = at;
  }
  if (due) {
    const Duration at = clock_.monotonic() + (*due - clock_.now());
    if (!next || at < *next) next = at;
  }
  return next;
}

std::optional<Duration> Worker::next_timeout() const {
  std::optional<Duration> next = admin_.next_timer();
  const auto consider = [&](std::optional<Duration> at) {
    if (at && (!next || *at < *next)) next = at;
  };
  if (!tasks_ || finished()) return next;
  consider(transaction_.next_timer());
  if (revoked_since_) consider(*revoked_since_ + options_.revoke_patience);
  consider(tasks_->next_resume());
  for (const auto& [id, entry] : tasks_->entries()) consider(entry.wait_until);
  const ProducerState state = transaction_.state();
  // In careful mode it is not time that commits: see commit_carefully().
  const bool by_time = !careful_.active() || state_ == WorkerState::kClosing;
  const bool open = state == ProducerState::kIdle || state == ProducerState::kOpen;
  if (by_time && open && anything_to_commit()) {
    consider(last_commit_ + commit_interval() - (kicked_ ? Duration{0} : kKickAhead));
  }
  return next;
}

bool Worker::settled() const {
  return state_ == WorkerState::kRunning && membership_state_ == MembershipState::kStable &&
         !tasks_->opening();
}

bool Worker::quiet() const {
  if (finished()) return true;
  if (state_ != WorkerState::kRunning || !inbox_.empty() ||
      membership_state_ != MembershipState::kStable)
    return false;
  if (transaction_.state() != ProducerState::kIdle || !output_.empty() || unanswered_ > 0)
    return false;
  if (careful_.active() || tasks_->opening() || tasks_->any_closing() || anything_to_commit())
    return false;
  for (const auto& [id, entry] : tasks_->entries()) {
    if (entry.task->replaying()) return false;
    for (std::size_t i = 0; i < entry.readers.size(); ++i) {
      if (!entry.caught_up[i] || entry.task->waiting(i) > 0) return false;
    }
  }
  return true;
}

void Worker::close() {
  if (finished() || state_ == WorkerState::kClosing) return;
  if (state_ == WorkerState::kStarting) {
    state_ = WorkerState::kClosed;
    return;
  }
  state_ = WorkerState::kClosing;
}

// Commit what is open, then give everything back at once and leave.
void Worker::continue_closing() {
  if (!membership_) {  // nothing was taken on yet
    state_ = WorkerState::kClosed;
    return;
  }
  if (membership_state_ == MembershipState::kLeaving) return;
  if (transaction_.state() != ProducerState::kIdle || anything_to_commit()) return;
  MR_FAILPOINT("drain.committed");
  tasks_->close_all();
  MR_FAILPOINT("drain.closed");
  membership_state_ = next_state(membership_state_, MembershipEvent::kLeave);
  membership_->submit_leave(log::OperationId(1));
}

void Worker::fail(std::string why) {
  if (finished()) return;
  failure_ = std::move(why);
  state_ = WorkerState::kFailed;
  logger_.error("stopped: " + failure_);
}

}  // namespace millrace::worker
