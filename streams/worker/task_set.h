// The tasks of a worker: makes those that are assigned, finds out where they go on, restores their
// stores, feeds them records, and gives them up. Which state a task is in is task_state.h's table.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/log.h"
#include "millrace/logging.h"
#include "task/stream_task.h"
#include "worker/admin_desk.h"
#include "worker/restorer.h"
#include "worker/task_state.h"

namespace millrace::worker {

// What to do for a partition that the group never committed an offset for.
enum class OffsetReset { kEarliest, kLatest, kNone };

struct TaskSetOptions {
  std::string group;
  OffsetReset offset_reset = OffsetReset::kEarliest;
  // A partition's records that wait in a task; more are not drained from the log (SEMANTICS R-T6).
  std::size_t buffered_records_per_partition = 1000;
  RestoreListener* on_restore = nullptr;
  Duration task_timeout{300'000};  // the longest pause of a task that backs off
};

// Not thread-safe: belongs to one worker.
class TaskSet {
 public:
  struct Parts {
    log::Log& log;
    log::Inbox& inbox;
    AdminDesk& admin;
    const Clock& clock;
    Logger& logger;
  };

  TaskSet(const task::TaskEnvironment& environment, Parts parts, TaskSetOptions options);
  ~TaskSet();

  struct Entry {
    std::unique_ptr<task::StreamTask> task;
    std::int64_t incarnation =
        0;  // tells it from earlier tasks of its id, whose answers are under way
    TaskState state = TaskState::kCreated;
    TopicPartition anchor;
    struct Bounds {
      Offset start;
      Offset end;
    };
    std::vector<Bounds> changelog_bounds;   // once known, in the order of changelogs()
    Timestamp bounds_as_of = kNoTimestamp;  // when their ends were asked for
    bool bounds_known = false;
    bool restore_begun = false;                 // the restorer has its changelogs
    bool restore_read = false;                  // and has read them to their ends
    std::vector<log::ReaderPartition> readers;  // by source, once running
    task::StreamTask::CaughtUp caught_up;       // by source, as of the last feed()
    Duration ran_last{};  // when it last took a record, or had none: in the worker's busy time
    std::optional<Duration> wait_until;  // its last step said so (R-T5)

    // While it is in kBackingOff.
    struct Pause {
      std::string why;
      Duration until{};
      bool anew = false;      // its stores or nodes were not set up: it is made again
      bool retrying = false;  // a handler said so; nobody has to look
    };
    std::optional<Pause> pause;
    int failures = 0;  // in a row, since its last commit
  };

  // --- membership
  // -----------------------------------------------------------------------------------

  // Effect: a task for each anchor partition. They run once their stores are full. One whose
  // predecessor is still being closed is made after that.
  void assigned(const std::vector<TopicPartition>& anchors);
  // Effect: marks them; those that have nothing in a transaction are closed at once.
  void revoked(const std::vector<TopicPartition>& anchors);
  // Effect: as revoked() for all: others have them already.
  void lost();
  bool any_closing() const;
  // Effect: closes what revoked() and lost() marked, undone where it was not committed.
  void close_revoked();
  void close_all();

  // --- failures
  // -------------------------------------------------------------------------------------

  // Effect: the task does nothing until `pause` is over; the log says why. Its part of the open
  // transaction, if any, must be aborted.
  void back_off(TaskId id, Entry& entry, std::string why, Duration pause);
  // The same where a handler says that the record is to be tried again.
  void retry(TaskId id, Entry& entry, std::string why, Duration pause);
  // The same for a task that could not be set up: after the pause it is made again.
  void back_off_anew(TaskId id, Entry& entry, std::string why, Duration pause);
  // Effect: tasks whose pause is over go on; now and then disks are told that they still have all of
  // their changelogs. Returns whether any task went on.
  bool resume();
  // When resume() has something to do next.
  std::optional<Duration> next_resume() const;

  // --- records
  // --------------------------------------------------------------------------------------

  // Effect: moves what has arrived into the queues that have room; restores. Returns whether
  // anything moved.
  bool feed();

  // Effect: a task whose disk will not take its changes any more backs off. REQUIRES: no transaction
  // is open.
  void check_disks();

  // Effect: as long as it is off, nothing more is taken from the log: memory is short.
  void set_fetching(bool fetching) { fetching_ = fetching; }

  // Takes in an event of the readers. Returns false if it is somebody else's.
  bool handle(const log::Event& event);

  // --- for the worker
  // -------------------------------------------------------------------------------

  // In the order of task ids.
  std::map<TaskId, Entry>& entries() { return tasks_; }
  const std::map<TaskId, Entry>& entries() const { return tasks_; }

  // "node/reason" → records that were dropped here, also by tasks that are gone.
  using DropCounts = std::map<std::string, std::int64_t>;
  DropCounts dropped() const;

  // Effect: what tasks dropped in a transaction whose end they did not see counts, or does not.
  void transaction_ended(bool committed);

  // How long a task pauses that failed once more.
  Duration next_pause(const Entry& entry) const;

  // True while a task is on its way to Running.
  bool opening() const;
  const std::optional<std::string>& failure() const;

 private:
  void open(std::vector<TaskId> ids);
  void load(const std::vector<TaskId>& ids, const log::OffsetsCommitted& committed,
            const log::OffsetsListed& reset);
  void restore(const std::vector<TaskId>& ids);
  bool start_restored();
  bool restored(TaskId id, Entry& entry);
  bool begin_restore(TaskId id, Entry& entry);
  bool disk_failed(TaskId id, Entry& entry);
  bool must_reopen(const Entry& entry) const;
  void confirm_disks();
  std::optional<Duration> next_confirmation() const;
  static void confirm(const task::StreamTask::Changelog& changelog, Timestamp as_of);
  std::optional<std::string> restore_from(const Entry& entry, std::size_t changelog);
  void start_reading(Entry& entry);
  void close(Entry& entry, TaskEvent why);
  void forget_closed();
  bool feed(Entry& entry);
  void take_restore_failures();
  Entry* find(TaskId id, std::int64_t incarnation);
  void fail(std::string why);

  const task::TaskEnvironment& environment_;
  const Parts parts_;
  const TaskSetOptions options_;
  std::map<TaskId, Entry> tasks_;
  std::int64_t incarnations_ = 0;
  DropCounts dropped_before_;    // by tasks that are gone
  DropCounts dropped_in_doubt_;  // by those of them that were in the transaction at hand
  std::vector<TopicPartition>
      assigned_early_;  // while an earlier task of the same partition closes
  std::unique_ptr<log::LogReader> reader_;
  Restorer restorer_;
  log::RecordBatch batch_;
  bool fetching_ = true;
  std::optional<Duration> confirm_at_;  // nullopt: there is no disk that may get too old
  std::optional<std::string> failure_;
};

}  // namespace millrace::worker
