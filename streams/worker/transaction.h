// The life of a worker's transactions (DESIGN §5): carries out what producer_state.h decides. It
// owns the producer and hands the output buffer over; what a commit, an abort or a replay means for
// tasks and stores it asks of its host.
//
// Nothing here waits: pump() does what can be done now, handle() takes in what the log answered.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/log.h"
#include "millrace/clock.h"
#include "millrace/logging.h"
#include "task/output_buffer.h"
#include "task/transaction_number.h"
#include "worker/producer_state.h"

namespace millrace::worker {

// What the worker does for its transaction. Called from within Transaction's functions, which it
// must not call back but where it says so.
class TransactionHost {
 public:
  virtual ~TransactionHost() = default;

  // Effect: what the tasks still have to send goes into the output buffer, slice by slice from
  // begin_changes() on. kFailed: then it has called item_left_out() or task_failed().
  virtual void begin_changes() = 0;
  enum class Written { kAll, kSome, kFailed };
  virtual Written write_changes() = 0;

  // Effect: notes that the log refused a record of the open transaction, which is aborted next. May
  // call stop_after_abort().
  virtual void delivery_failed(const log::DeliveryFailed& failed, const Status& why) = 0;

  // Effect: the offsets of all tasks with progress, in the state that write_changes() left, with
  // numbers of this writer's. Errors: a text; the transaction is aborted, and the worker stops.
  virtual std::optional<std::string> collect_offsets(std::vector<log::OffsetToCommit>& offsets,
                                                     task::Writer writer) = 0;

  // nullopt: not a member; nothing may be committed.
  virtual std::optional<log::FencingToken> token() = 0;

  // Effect: the transaction is visible. Tasks forget what an abort would need.
  virtual void publish(const std::vector<log::WrittenRange>& written) = 0;

  // Effect: tasks undo what they did and will take their records again.
  virtual void replay() = 0;

  // Effect: a new producer has taken over: finds out what became of the last commit, if that is in
  // doubt, and that nobody else has committed since. Ends in Transaction::resolved(), later or at
  // once, or in stop(). An answer that comes later is nobody's if Transaction::question() is not what
  // it was in this call.
  virtual void resolve(bool in_doubt) = 0;

  virtual void close_revoked() = 0;  // undone, without publishing
  virtual void acknowledge() = 0;    // every membership event that waits for an answer
  virtual void close_lost() = 0;

  // Effect: the worker stops. Nothing of the open transaction is visible.
  virtual void stop(std::string why) = 0;
};

struct TransactionCounts {
  std::int64_t commits = 0;
  std::int64_t aborts = 0;  // of transactions in which something had happened
  std::int64_t rotations = 0;
  std::int64_t doubts = 0;           // outcomes that had to be asked for
  std::int64_t outdated_events = 0;  // of producers given up
};

// Not thread-safe: belongs to one worker.
class Transaction {
 public:
  struct Parts {
    log::Log& log;
    log::Inbox& inbox;
    task::OutputBuffer& output;
    const Clock& clock;
    Logger& logger;
  };

  // `max_fences_per_minute`: above it, somebody else uses the transactional id, and the worker
  // stops instead of taking it back for ever; 0: no such limit.
  Transaction(TransactionHost& host, Parts parts, log::ProducerOptions options,
              int max_fences_per_minute);
  ~Transaction();

  // Effect: makes the first producer. Steps may run once its init is done.
  void start();

  ProducerState state() const { return state_; }

  // Whether a step may run now: a transaction takes records, and there is room for what they send.
  bool may_step() const;

  // --- what happens; each a row of the table
  // ------------------------------------------------------
  void stepped() { on(ProducerEvent::kStep); }
  void commit_due() { on(ProducerEvent::kCommitDue); }
  void revoked() { on(ProducerEvent::kRevoked); }
  void revoke_overdue() { on(ProducerEvent::kRevokeOverdue); }
  void lost() { on(ProducerEvent::kLost); }
  // Effect: aborts; a task backs off.
  void task_failed();
  // Effect: aborts; what is replayed is not the same.
  void item_left_out();
  // Effect: when the transaction at hand is over, TransactionHost::stop(why). REQUIRES: its abort is
  // under way or comes next.
  void stop_after_abort(std::string why);
  // Effect: none where no question is open.
  void resolved(bool committed);
  // The number of the question that TransactionHost::resolve() was asked last; 0: it is answered, or the
  // producer that it was asked for is gone.
  std::int64_t question() const { return question_; }

  // Effect: takes in an event of the producer's. Returns false if it is somebody else's.
  bool handle(const log::Event& event);

  // Effect: hands output over, flushes when all is handed over, retries what is due. Returns
  // whether anything moved.
  bool pump();

  // When pump() has something to do that waits for the clock (monotonic).
  std::optional<Duration> next_timer() const { return retry_at_; }

  const TransactionCounts& counts() const { return counts_; }

 private:
  void on(ProducerEvent event);
  void perform(Action actions);
  std::string refusal() const;
  void rotate();
  void begin_rotation();
  void start_commit();
  void submit_commit();
  void submit_abort();
  void replay();
  void publish();
  void end_of_transaction();
  bool begin_if_needed();
  bool write_changes();
  bool hand_over();
  void back_off(const std::string& why);
  bool stopped_by_fence();
  log::OperationId next_operation();

  static constexpr std::size_t kMaxOutputBytes = std::size_t{8} << 20;

  TransactionHost& host_;
  const Parts parts_;
  const log::ProducerOptions options_;
  ProducerState state_ = ProducerState::kRotating;
  std::unique_ptr<log::LogProducer> producer_;
  task::Writer writer_{0};                          // this producer
  log::OperationId operation_ = log::kNoOperation;  // the one whose completion this state waits for
  std::int64_t operations_ = 0;
  bool begun_ = false;  // the producer has a transaction open
  bool used_ = false;   // a step ran in it, or its commit was begun
  bool flush_submitted_ = false;
  bool changes_written_ = false;  // all of them, in Draining
  bool abort_after_operation_ =
      false;                    // one operation at a time: the abort waits for the flush to end
  bool in_doubt_ = false;       // a commit was submitted and its outcome is not known
  std::int64_t question_ = 0;   // the host was asked, and has not answered
  std::int64_t questions_ = 0;  // that the host was asked, so far
  bool acknowledge_at_end_ = false;
  bool close_lost_at_end_ = false;
  bool rotate_at_end_ = false;
  std::vector<log::WrittenRange> written_;
  std::string stop_at_end_;          // stop with this once the transaction is over
  bool abort_was_expected_ = false;  // the host knows why, and what to do
  std::string last_failure_;
  int failures_in_a_row_ = 0;  // since the last commit
  const int max_fences_per_minute_;
  std::deque<Duration> fenced_at_;  // within the last minute
  std::optional<Duration> retry_at_;
  TransactionCounts counts_;
};

}  // namespace millrace::worker
