// One task: a sub-topology's copy for one partition, with its queues, stores and memory. It takes
// records, and can take everything back that it did since the last commit.
//
// Lifecycle, driven by the worker (task_state.h): constructed → open_stores() → restore() of each
// changelog → start() → step()… with commit() or abort() in between → destroyed. Belongs to one worker; not
// thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/producer.h"
#include "millrace/detail/disk_host.h"
#include "millrace/detail/node_context.h"
#include "millrace/detail/processor_host.h"
#include "millrace/detail/store.h"
#include "millrace/handlers.h"
#include "millrace/logging.h"
#include "task/blame.h"
#include "task/commit_metadata.h"
#include "task/output_buffer.h"
#include "task/punctuations.h"
#include "task/record_queue.h"
#include "task/savepoint.h"
#include "task/step_log.h"
#include "task/task_graph.h"
#include "task/transaction_number.h"
#include "topology/built_graph.h"

namespace millrace::task {

// What all tasks of a worker share. Outlives them.
struct TaskEnvironment {
  const graph::BuiltGraph& graph;
  const graph::TopicPlan& plan;
  std::string application_id;
  OutputBuffer& output;
  // How long a task waits for an input that has nothing, once that is known to be empty; −1: not at
  // all, not even until that is known (SEMANTICS R-T5).
  Duration max_task_idle{0};
  bool forget_typed_values = false;  // ENGINE §9
  ErrorHandling errors = {};
  Logger* logger = &null_logger();
  // Where stores lie on disk; nullptr: memory is all there is.
  state::DiskHost* disks = nullptr;
  // Ends the worker's wait; called on any thread, as long as a task has its disk.
  std::function<void()> wake = nullptr;
  // Each step is run, taken back, and run again: no trace of it may be left (ENGINE §9).
  bool rehearse_steps = false;
};

// The clocks as the worker read them for one step of its own.
struct Now {
  Duration monotonic{};
  Timestamp wall{};
};

class StreamTask final : public graph::NodeContext, private graph::ProcessorHost {
 public:
  StreamTask(TaskId id, const TaskEnvironment& environment);
  ~StreamTask() override;

  TaskId id() const { return id_; }

  // --- before start() ---------------------------------------------------------------------------

  // The partitions that it reads, with full topic names; other functions name them by their index.
  const std::vector<TopicPartition>& sources() const { return sources_; }
  // Index of the anchor topic's partition among sources().
  std::size_t anchor() const { return anchor_; }

  struct Changelog {
    std::string store;
    TopicPartition where;
    state::Store* cells;              // nullptr until open_stores() says kOpen
    state::DiskTable* table;          // nullptr: memory is all it has
    state::MemorySlot purge_bound{};  // REQUIRES: windowed
    bool windowed;
    // Below it nobody needs a record as of the last commit: the next one says so, and then it may be
    // deleted (ENGINE §6).
    Offset given_up = kNoOffset;
  };
  const std::vector<Changelog>& changelogs() const { return changelogs_; }

  // Effect: makes the stores once their disk is open; never waits. kFailed: what() of
  // disk_failure() says why.
  state::TaskDisk::State open_stores();
  const std::string& disk_failure() const { return disk_->failure(); }

  // Records of this changelog below it were given up by a commit: the log may begin there, at most.
  // kNoOffset: none.
  Offset purge_bound(const Changelog& changelog) const;

  // Effect: takes over what was committed for a partition: where to go on, times, numbers.
  void load(std::size_t source, Offset next, const CommitMetadata& metadata);

  // Effect: clones the graph and connects it; init() is told this time. REQUIRES: all sources
  // loaded, all changelogs restored.
  void start(Timestamp wall);

  // --- input
  // --------------------------------------------------------------------------------------

  Offset next_offset(std::size_t source) const { return queues_[source]->next_offset(); }
  std::size_t waiting(std::size_t source) const { return queues_[source]->waiting(); }
  void add(std::size_t source, const RecordView& record) { queues_[source]->add(record); }
  std::size_t retained_bytes() const;

  // --- steps
  // --------------------------------------------------------------------------------------

  struct Step {
    enum class Kind {
      kRan,      // took one record, or called one punctuator
      kLeftOut,  // the same, but it failed and is left out: nothing of it is there
      kIdle,     // nothing waits
      kWaiting,  // a record waits, but an empty partition may still bring an earlier one (R-T5)
      kFailed,   // `failure` says what became of it; the transaction must be aborted
    };
    Kind kind;
    bool punctuated = false;  // kRan: a punctuator
    Failure failure;
    std::optional<Duration> wait_until;  // kWaiting for the wall clock: when to ask again
  };
  // Tells of each source whether the log has nothing more for it.
  using CaughtUp = std::vector<bool>;

  // The time of the record that would be taken next; nullopt if none waits. A punctuation that is
  // due comes before all records, and so does a record that cannot be decoded: step() will say what
  // is wrong with it.
  std::optional<Timestamp> next_time(Timestamp wall);

  // Effect: takes one record, or calls one punctuator, and runs it to its end. Never waits.
  Step step(const CaughtUp& caught_up, Now now);

  // When the wall clock makes a punctuation due.
  std::optional<Timestamp> next_punctuation() const { return punctuations_.next_by_wall_clock(); }

  // Whether a processor asked for a commit since the last one.
  bool commit_requested() const { return commit_requested_; }

  bool replaying() const { return steps_.next().has_value(); }
  // Of the open transaction.
  std::size_t steps_taken() const { return steps_.taken(); }
  Timestamp stream_time() const override { return from_ms(memory_[stream_time_]); }

  // Whether it sets a savepoint before each step: one that is left out is then taken back alone, and
  // what cannot be written to a changelog is found in the step that did it. So it is for some commits
  // after each failure, because failures seldom come alone.
  bool guarded() const { return guarded_commits_ > 0; }
  // REQUIRES: the transaction is aborted before the next step.
  void guard();

  // --- transaction
  // --------------------------------------------------------------------------------

  // Whether a commit would have anything to say.
  bool has_progress() const;

  // Effect: sends changed cells to their changelogs: the next ones since begin_changes(), at most
  // `budget`, which it takes off it. If some of it is left all are sent. Errors: a failure that nobody
  // was asked about yet, where a serializer throws; the transaction must be aborted.
  // REQUIRES: no step in between.
  void begin_changes() { writing_ = 0; }
  std::optional<Failure> write_changes(std::size_t& budget);
  // Whether all were sent since the last begin_changes(). A task that began to run behind it has not
  // sent what init() put into its stores: that is for the next commit.
  bool changes_written() const { return writing_ == changelogs_.size(); }

  // Whether records are left out, or set aside as nulls, whose offsets are not committed yet.
  bool leaves_out() const { return blame_.leaves_out(); }

  // Effect: the one step of the open transaction is to blame for this; its handler is asked.
  // REQUIRES: steps_taken() == 1.
  Failure blame_only_step(const std::string& node, const std::exception_ptr& error);

  // Effect: appends the offsets and times that belong to this commit, with the next transaction
  // number of this writer's (ENGINE §3). Errors: a text where the metadata is longer than a broker
  // takes.
  std::optional<std::string> append_offsets(std::vector<log::OffsetToCommit>& offsets,
                                            Writer writer);
  // Of the commit under way, and of the last one that is known to be in the log.
  std::int64_t transaction_number() const { return memory_[number_]; }
  std::int64_t committed_number() const { return memory_.committed(number_); }

  // Effect: the transaction is in the log. `written`: what the flush reported.
  void commit(const std::vector<log::WrittenRange>& written);

  // Effect: everything is as after the last commit, and the records taken since will be taken
  // again.
  void abort();

  // Effect: undoes and gives up the graph: nothing runs any more.
  void close();

  struct DroppedRecords {
    std::string node_and_reason;
    std::int64_t count;
  };
  std::vector<DroppedRecords> dropped() const;  // what is not zero
  std::vector<DroppedRecords> dropped_and_committed() const;

  struct PurgeableChangelog {
    TopicPartition where;
    Offset below;
  };
  // What may be deleted: the bounds that the last commit put into the log (ENGINE §6).
  std::vector<PurgeableChangelog> purgeable() const;

  // --- memory and disk
  // --------------------------------------------------------------------------------------

  // What its stores hold in memory.
  std::size_t store_bytes() const;
  // Effect: one bounded step of eviction from one of its stores, the next at each call. Returns the
  // bytes freed.
  std::size_t evict(std::size_t bytes);
  // Effect: what waits to be written to disk is written as soon as can be.
  void hurry_disk();
  // What is wrong with its disk, if anything.
  Status disk_health() const;

  state::Store* find_store(std::string_view name) { return store(name); }

  // --- NodeContext
  // --------------------------------------------------------------------------------

  TaskId task_id() const override { return id_; }
  state::Store* store(std::string_view name) override;
  state::TaskMemory& memory() override { return memory_; }
  graph::RecordCollector& collector() override { return environment_.output; }
  graph::SinkTarget sink(std::string_view topic) override;
  graph::Node& node(graph::NodeId id) override { return graph_.node(id); }
  graph::ProcessorHost& processor_host() override { return *this; }

 private:
  // ProcessorHost
  graph::ScheduleId schedule(const graph::Node& node, Duration interval, PunctuationType type,
                             graph::Punctuator f) override;
  void cancel(graph::ScheduleId id) override { punctuations_.cancel(id); }
  graph::OpenedStore open_store(std::string_view name) override;
  Timestamp system_time() const override { return wall_; }
  void request_commit() override { commit_requested_ = true; }
  std::string_view application_id() const override { return environment_.application_id; }

  void open_disk(const graph::SubtopologyPlan& plan);
  void make_stores();
  void build_graph();
  std::optional<WorkItem> choose(const CaughtUp& caught_up, Now now, Step& outcome);
  std::optional<WorkItem> next_replayed();
  std::optional<Failure> attempt(const WorkItem& item);
  void run(const WorkItem& item, bool with_savepoint);
  void pass_by(const WorkItem& punctuation);
  bool is_due(const WorkItem& punctuation) const;
  bool rehearse(const WorkItem& item);
  bool take_back_last();
  void close_graph();
  Failure failed_to_decode();
  Failure failed_to_run();
  Failure blame_last(ErrorPhase phase, const std::string& node, const std::exception_ptr& error);
  Failure unexplained(const std::string& store, const std::string& what) const;

  const TaskId id_;
  const TaskEnvironment& environment_;
  const graph::Subtopology& subtopology_;
  state::TaskMemory memory_;
  const state::MemorySlot stream_time_;
  const state::MemorySlot number_;
  std::vector<TopicPartition> sources_;
  std::vector<std::string> source_names_;  // as in the graph
  std::size_t anchor_ = 0;
  std::unique_ptr<state::TaskDisk> disk_;  // outlives the stores; nullptr: none of them lies there
  std::map<std::string, std::unique_ptr<state::Store>, std::less<>> stores_;
  std::vector<state::Store*> evictable_;  // of stores_, those over a disk
  std::size_t evicted_last_ = 0;          // of evictable_
  std::vector<Changelog> changelogs_;
  std::vector<graph::SinkTarget> changelog_targets_;
  std::size_t writing_ = 0;              // of changelogs_: the first whose changes are not sent yet
  std::vector<state::Store*> unlogged_;  // of stores_, those without a changelog
  std::vector<std::unique_ptr<RecordQueue>> queues_;
  TaskGraph graph_;
  Punctuations punctuations_;
  StepLog steps_;
  Blame blame_;
  Savepoint savepoint_;
  int guarded_commits_ = 0;               // for how many more it is guarded
  std::deque<PassedBySource> passed_by_;  // by source; queues point to them
  struct Taken {
    WorkItem item;
    std::size_t at = 0;  // a record: among those that its queue retains
  };
  Taken last_;  // the last step of the open transaction
  Taken before_last_;
  WorkItem busy_;     // what is at work: what failed, if something throws
  Timestamp wall_{};  // what the wall clock said when the step at hand was taken first
  bool commit_requested_ = false;
  std::optional<Duration> idle_since_;  // all empty sources are known to be empty since then
  bool committed_once_ = false;         // all partitions' offsets were written by this task
};

}  // namespace millrace::task
