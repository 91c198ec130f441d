// A worker: one thread's share of an application, as a state machine. It owns one consumer and one
// transactional producer; one transaction covers all its tasks (DESIGN §5).
//
//   Worker worker(graph, options, log, clock, logger);
//   while (worker.step() || !worker.finished()) { if nothing moved: wait on worker.inbox() until
//   worker.next_timer() }
//
// step() never waits: it takes in what the inbox holds, moves records from the log to tasks and
// from tasks to the log, and runs records while the transaction takes them. So a test, the
// simulator and a thread drive it alike.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/log.h"
#include "millrace/clock.h"
#include "millrace/detail/memory_budget.h"
#include "millrace/handlers.h"
#include "millrace/logging.h"
#include "task/output_buffer.h"
#include "worker/careful_mode.h"
#include "worker/startup.h"
#include "worker/task_set.h"
#include "worker/transaction.h"

namespace millrace::worker {

struct WorkerOptions {
  std::string application_id;
  std::string transactional_id;
  int workers_at_start = 1;  // of this process
  Duration commit_interval{100};
  Duration transaction_timeout{10'000};
  Duration max_task_idle{0};
  // How long an asked-back task may finish its transaction (half of max.poll.interval.ms).
  Duration revoke_patience{150'000};
  // How long the log may be unreachable before a question about topics is a failure, until the worker has
  // joined its group; after that there is no limit.
  Duration admin_patience{60'000};
  OffsetReset offset_reset = OffsetReset::kEarliest;
  std::size_t buffered_records_per_partition = 1000;
  std::size_t max_retained_bytes = std::size_t{256}
                                   << 20;  // input kept for a replay: commit early above it
  std::size_t max_records_per_step = 200;  // of one task, between two looks at the inbox
  int max_fences_per_minute = 0;           // above it, two processes share an id; 0: never
  bool forget_typed_values = false;        // ENGINE §9
  bool rehearse_steps = false;             // the same
  RestoreListener* on_restore = nullptr;   // does not throw
  ErrorHandling errors = {};
  state::DiskHost* disks = nullptr;       // where stores lie on disk; outlives the worker
  state::MemoryBudget* memory = nullptr;  // of the process; outlives the worker
  // Called when a transaction is over, before its records are taken again if it was not committed.
  std::function<void(bool committed)> on_transaction_end;
};

enum class WorkerState {
  kStarting,  // topics are looked at and made
  kRunning,
  kClosing,  // finishes its transaction, leaves the group
  kClosed,
  kFailed,  // failure() says why; nothing of the open transaction is visible
};
std::string_view to_string(WorkerState state);

struct WorkerCounts {
  std::int64_t records = 0;       // taken, replays included
  std::int64_t punctuations = 0;  // called, replays included
  std::int64_t revocations = 0;
  std::int64_t evictions = 0;        // steps that freed something
  std::int64_t outdated_events = 0;  // of objects that are not held any more
};

// Not thread-safe, but for inbox() and what it says of itself. The graph, the log, the clock and
// the logger outlive the worker.
class Worker final : private TransactionHost {
 public:
  Worker(const graph::BuiltGraph& graph, WorkerOptions options, log::Log& log, const Clock& clock,
         Logger& logger);
  ~Worker() override;

  // Effect: does what can be done now, a bounded amount. Returns whether anything moved: if not,
  // the inbox or next_timer() has the next word.
  bool step();

  // When there is something to do that waits for a clock, by the monotonic one. A punctuation that
  // the wall clock makes due is told by what that says now: it may jump.
  std::optional<Duration> next_timer() const;
  // The same without punctuations: what comes even if the wall clock stands still.
  std::optional<Duration> next_timeout() const;

  log::Inbox& inbox() { return inbox_; }

  // True once its first producer is ready: what an earlier worker of its transactional id had left
  // open is over, and nothing of that can be committed any more.
  bool took_over() const { return membership_ != nullptr; }

  // Effect: the next step begins to end: commit what is open, give everything back, leave.
  void close();

  // Effect: while paused no task runs; membership, restores and commits of what was done go on.
  void set_paused(bool paused) { paused_ = paused; }

  // Effect: a commit as soon as there is something to commit and the log takes it.
  void request_commit() { commit_requested_ = true; }

  WorkerState state() const { return state_; }
  bool finished() const { return state_ == WorkerState::kClosed || state_ == WorkerState::kFailed; }
  const std::string& failure() const { return failure_; }
  // What the uncaught handler said about the failure; nullopt: it was not asked, or it was and the
  // worker goes on.
  std::optional<UncaughtAction> uncaught_action() const { return uncaught_action_; }

  // Tasks that pause because of a failure, and why: somebody should look.
  std::map<TaskId, std::string> backing_off() const;

  // True if it is a member and all its tasks run.
  bool settled() const;

  // True if nothing is under way and nothing waits that this worker could do without new input:
  // all tasks run, all queues are empty or waiting, all is committed.
  bool quiet() const;

  // For tests, metrics and the driver. REQUIRES for tasks() and plan(): state() was kRunning.
  TaskSet& tasks() { return *tasks_; }
  const TaskSet* find_tasks() const { return tasks_.get(); }  // nullptr before that
  const graph::TopicPlan& plan() const { return startup_.plan(); }
  const Transaction& transaction() const { return transaction_; }
  const WorkerCounts& counts() const { return counts_; }
  MembershipState membership() const { return membership_state_; }

 private:
  bool take_in_events();
  void handle(const log::Event& event);
  void handle_membership(const log::Event& event);
  void begin_running();
  void join_group();
  bool was_in_commit(TaskId id, const TaskSet::Entry& entry) const;
  std::optional<bool> outcome_in_log(const log::OffsetsCommitted& answer,
                                     const std::vector<TaskId>& ids, bool in_doubt);
  bool run_tasks();
  struct Turn {
    std::size_t records = 0;
    std::optional<Timestamp> next;  // of its next record; nullopt: it cannot go on now
    bool failed = false;
  };
  Turn run(TaskId id, TaskSet::Entry& entry, Timestamp until, std::size_t most,
           const task::Now& now);
  Duration commit_interval() const;
  void keep_memory();
  std::size_t evict(std::size_t bytes);
  bool commit_if_due();
  bool anything_to_commit() const;
  bool may_run_carefully(TaskId id, const TaskSet::Entry& entry) const;
  bool commit_carefully();
  bool judge(TaskId id, TaskSet::Entry& entry, task::Failure failure);
  void find_culprit(TaskId id, TaskSet::Entry& entry, const task::Failure& failure);
  void suspend_writers(const std::string& topic, const std::string& why);
  std::vector<CarefulMode::Taken> steps_taken() const;
  void continue_closing();
  void fail(std::string why);

  // TransactionHost
  void begin_changes() override;
  Written write_changes() override;
  void delivery_failed(const log::DeliveryFailed& failed, const Status& why) override;
  std::optional<std::string> collect_offsets(std::vector<log::OffsetToCommit>& offsets,
                                             task::Writer writer) override;
  std::optional<log::FencingToken> token() override;
  void publish(const std::vector<log::WrittenRange>& written) override;
  void replay() override;
  void resolve(bool in_doubt) override;
  void close_revoked() override;
  void acknowledge() override;
  void close_lost() override;
  void stop(std::string why) override;

  void purge();

  const graph::BuiltGraph& graph_;
  const WorkerOptions options_;
  log::Log& log_;
  const Clock& clock_;
  Logger& logger_;
  log::Inbox inbox_;
  WorkerState state_ = WorkerState::kStarting;
  std::string failure_;
  WorkerCounts counts_;

  AdminDesk admin_;
  Startup startup_;
  task::OutputBuffer output_;
  std::unique_ptr<task::TaskEnvironment> environment_;  // once the plan is known
  std::unique_ptr<TaskSet> tasks_;
  std::unique_ptr<log::GroupMembership> membership_;  // once the first producer is ready
  MembershipState membership_state_ = MembershipState::kJoining;
  Transaction transaction_;
  struct Runnable {
    Timestamp at;
    TaskId id;
    TaskSet::Entry* entry;
  };
  std::vector<Runnable> runnable_;      // a heap, while run_tasks() is at it
  Duration busy_{};                     // how long, in all, more waited than one step takes
  std::optional<Duration> busy_since_;  // the last step left something

  CarefulMode careful_;
  bool refusal_noted_ = false;  // of the open transaction
  std::optional<UncaughtAction> uncaught_action_;

  int unanswered_ = 0;         // membership events that wait for acknowledge()
  bool answer_later_ = false;  // once a new producer has ended what the last one left open
  std::optional<Duration> revoked_since_;
  Duration last_commit_{};
  bool kicked_ = false;  // the membership, ahead of the commit that is due
  bool commit_requested_ = false;
  bool paused_ = false;
  Duration next_purge_{};
  struct Memory {
    explicit Memory(state::MemoryBudget& budget)
        : cells(budget, state::MemoryUse::kCells),
          input(budget, state::MemoryUse::kRetainedInput) {}
    state::MemoryShare cells;
    state::MemoryShare input;
  };
  std::optional<Memory> memory_;
  bool short_of_memory_ = false;  // the process is over its budget
  TaskId evicted_last_;
  // The transaction numbers of the commit under way: what an unknown outcome is told by (ENGINE
  // §3).
  struct InCommit {
    std::int64_t number = 0;
    std::int64_t incarnation = 0;
    TopicPartition anchor;
  };
  std::map<TaskId, InCommit> in_commit_;
};

}  // namespace millrace::worker
