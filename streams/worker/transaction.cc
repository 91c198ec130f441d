#include "worker/transaction.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "millrace/detail/failpoint.h"

namespace millrace::worker {

namespace {

constexpr Duration kFirstBackOff{10};
constexpr Duration kLongestBackOff{1'000};

ProducerEvent completion_event(const Status& status) {
  switch (status.consequence()) {
    case Consequence::kNone:
      return ProducerEvent::kCompletedOk;
    case Consequence::kRetry:
    case Consequence::kAbort:
      return ProducerEvent::kCompletedAbort;
    case Consequence::kFenced:
    case Consequence::kUnknown:
      return ProducerEvent::kProducerGone;
    case Consequence::kFatal:
      return ProducerEvent::kRefused;
  }
  return ProducerEvent::kProducerGone;
}

}  // namespace

Transaction::Transaction(TransactionHost& host, Parts parts, log::ProducerOptions options,
                         int max_fences_per_minute)
    : host_(host),
      parts_(parts),
      options_(std::move(options)),
      max_fences_per_minute_(max_fences_per_minute) {}

Transaction::~Transaction() = default;

void Transaction::start() { rotate(); }

bool Transaction::may_step() const {
  const bool takes_records = state_ == ProducerState::kIdle || state_ == ProducerState::kOpen;
  return takes_records && !retry_at_ && parts_.output.bytes() < kMaxOutputBytes;
}

void Transaction::task_failed() {
  abort_was_expected_ = true;
  on(ProducerEvent::kTaskFailed);
}

void Transaction::item_left_out() {
  abort_was_expected_ = true;
  on(ProducerEvent::kItemLeftOut);
}

void Transaction::stop_after_abort(std::string why) {
  if (stop_at_end_.empty()) stop_at_end_ = std::move(why);
}

void Transaction::resolved(bool committed) {
  if (std::exchange(question_, 0) == 0) return;
  in_doubt_ = false;
  on(committed ? ProducerEvent::kResolvedCommitted : ProducerEvent::kResolvedAborted);
}

void Transaction::on(ProducerEvent event) {
  const Decision decision = decide(state_, event);
  state_ = decision.next;
  used_ = used_ || state_ == ProducerState::kOpen || state_ == ProducerState::kDraining;
  perform(decision.actions);
}

// In the order of the enumerators. An action may end in another event; that is always the last one.
void Transaction::perform(Action actions) {
  if (has(actions, Action::kCloseRevoked)) host_.close_revoked();
  if (has(actions, Action::kAcknowledgeNow)) {
    acknowledge_at_end_ = false;
    host_.acknowledge();
  }
  if (has(actions, Action::kAcknowledgeAtEnd)) acknowledge_at_end_ = true;
  if (has(actions, Action::kRotateAtEnd)) rotate_at_end_ = true;
  if (has(actions, Action::kCloseLost)) host_.close_lost();
  if (has(actions, Action::kCloseLostAtEnd)) close_lost_at_end_ = true;
  if (has(actions, Action::kStartCommit)) start_commit();
  if (has(actions, Action::kSubmitCommit)) submit_commit();
  if (has(actions, Action::kPublish)) publish();
  if (has(actions, Action::kSubmitAbort)) submit_abort();
  if (has(actions, Action::kReplay)) replay();
  if (has(actions, Action::kStopAtEnd)) stop_after_abort(refusal());
  if (has(actions, Action::kRotate)) rotate();
  if (has(actions, Action::kRetryRotation)) {
    question_ = 0;
    back_off("the next producer could not be made: " + last_failure_);
  }
  if (has(actions, Action::kResolve)) {
    if (in_doubt_) ++counts_.doubts;
    question_ = ++questions_;
    host_.resolve(in_doubt_);
  }
  if (has(actions, Action::kStop)) host_.stop(refusal());
}

std::string Transaction::refusal() const {
  return "the log refuses transactional.id " + options_.transactional_id +
         " for good: " + last_failure_ +
         ". What was committed stays, nothing else is visible and nothing is lost: it is read "
         "again "
         "at the next start. Mend what the log names, then start again";
}

bool Transaction::handle(const log::Event& event) {
  if (!producer_ || event.epoch != producer_->epoch()) return false;
  if (const auto* failed = std::get_if<log::DeliveryFailed>(&event.what)) {
    last_failure_ = event.status.message();
    if (state_ == ProducerState::kIdle || state_ == ProducerState::kOpen ||
        state_ == ProducerState::kDraining) {
      abort_was_expected_ = abort_was_expected_ || failed->refusal != log::Refusal::kPassing;
      host_.delivery_failed(*failed, event.status);
    }
    on(ProducerEvent::kDeliveryFailed);
    return true;
  }
  if (event.operation == log::kNoOperation) {
    last_failure_ = event.status.message();
    if (event.status.consequence() == Consequence::kFenced && stopped_by_fence()) return true;
    if (!event.status.ok()) on(ProducerEvent::kProducerGone);
    return true;
  }
  if (event.operation != operation_) return true;  // of a state that was left
  operation_ = log::kNoOperation;
  if (std::exchange(abort_after_operation_, false)) {
    submit_abort();
    return true;
  }
  if (!event.status.ok()) {
    last_failure_ = event.status.message();
    parts_.logger.write(LogLevel::kInfo, "transaction " + options_.transactional_id + ", " +
                                             std::string(to_string(state_)) + ": " + last_failure_);
    if (event.status.consequence() == Consequence::kFenced && stopped_by_fence()) return true;
  }
  const auto* flushed = std::get_if<log::FlushDone>(&event.what);
  if (flushed) written_ = flushed->written;
  // Of the outcomes of a commit only these two say what happened.
  if (state_ == ProducerState::kCommitting) {
    in_doubt_ = !event.status.ok() && event.status.consequence() != Consequence::kAbort;
    if (event.status.ok()) begun_ = false;
    MR_FAILPOINT("commit.after");
  }
  if (state_ == ProducerState::kAborting) begun_ = false;
  on(completion_event(event.status));
  return true;
}

bool Transaction::pump() {
  if (retry_at_) {
    if (parts_.clock.monotonic() < *retry_at_) return false;
    retry_at_.reset();
    if (state_ == ProducerState::kRotating) begin_rotation();
    return true;
  }
  const bool sends = state_ == ProducerState::kIdle || state_ == ProducerState::kOpen;
  if (sends && !parts_.output.empty()) return hand_over();
  if (state_ != ProducerState::kDraining || flush_submitted_) return false;
  if (!changes_written_) return write_changes();
  if (!hand_over()) return false;
  if (state_ != ProducerState::kDraining || !parts_.output.empty() || !begin_if_needed())
    return true;
  flush_submitted_ = true;
  operation_ = next_operation();
  producer_->submit_flush(operation_);
  return true;
}

// Returns whether anything was handed over, or there was nothing to hand over.
bool Transaction::hand_over() {
  if (parts_.output.empty()) return true;
  if (!begin_if_needed()) return true;
  const std::size_t before = parts_.output.waiting();
  return parts_.output.hand_over(*producer_) || parts_.output.waiting() < before;
}

bool Transaction::begin_if_needed() {
  if (begun_) return true;
  const Status begun = producer_->begin();
  if (begun.ok()) {
    begun_ = true;
    return true;
  }
  last_failure_ = begun.message();
  on(ProducerEvent::kProducerGone);
  return false;
}

void Transaction::start_commit() {
  flush_submitted_ = false;
  changes_written_ = false;
  host_.begin_changes();
}

// In slices, so that no step of the worker is long, and the log has work already.
bool Transaction::write_changes() {
  const TransactionHost::Written written = host_.write_changes();
  if (written == TransactionHost::Written::kFailed) return true;
  if (written == TransactionHost::Written::kAll) {
    changes_written_ = true;
    MR_FAILPOINT("commit.serialized");
  }
  hand_over();
  return true;
}

void Transaction::submit_commit() {
  const auto token = host_.token();
  std::vector<log::OffsetToCommit> offsets;
  if (!token) {
    last_failure_ = "not a member of the group any more";
    on(ProducerEvent::kCompletedAbort);
    return;
  }
  if (auto failure = host_.collect_offsets(offsets, writer_)) {
    stop_after_abort(std::move(*failure));
    on(ProducerEvent::kCompletedAbort);
    return;
  }
  in_doubt_ = true;
  operation_ = next_operation();
  MR_FAILPOINT("commit.before");
  producer_->submit_commit(operation_, std::move(offsets), *token);
  MR_FAILPOINT("commit.sent");
}

void Transaction::submit_abort() {
  parts_.output.clear();
  in_doubt_ = false;
  if (operation_ != log::kNoOperation) {
    abort_after_operation_ = true;
    return;
  }
  if (!begun_) {  // nothing was sent: nothing to take back at the log
    operation_ = log::kNoOperation;
    on(ProducerEvent::kCompletedOk);
    return;
  }
  operation_ = next_operation();
  producer_->submit_abort(operation_);
}

void Transaction::publish() {
  ++counts_.commits;
  used_ = false;
  failures_in_a_row_ = 0;
  host_.publish(std::exchange(written_, {}));
  MR_FAILPOINT("publish.after");
  end_of_transaction();
  if (!stop_at_end_.empty()) host_.stop(std::exchange(stop_at_end_, {}));
}

void Transaction::replay() {
  if (std::exchange(used_, false)) ++counts_.aborts;
  MR_FAILPOINT("abort.after");
  written_.clear();
  parts_.output.clear();
  if (acknowledge_at_end_) host_.close_revoked();  // what is asked back is not replayed
  host_.replay();
  end_of_transaction();
  if (!stop_at_end_.empty()) {
    host_.stop(std::exchange(stop_at_end_, {}));
    return;
  }
  if (std::exchange(rotate_at_end_, false)) {
    state_ = ProducerState::kRotating;
    rotate();
    return;
  }
  if (std::exchange(abort_was_expected_, false)) return;
  // The first few replays go at once: an outdated token is a normal event.
  if (++failures_in_a_row_ > 3) back_off("the transaction was aborted again: " + last_failure_);
}

void Transaction::end_of_transaction() {
  if (std::exchange(close_lost_at_end_, false)) host_.close_lost();
  if (std::exchange(acknowledge_at_end_, false)) {
    host_.close_revoked();
    host_.acknowledge();
  }
}

void Transaction::rotate() {
  ++counts_.rotations;
  // What the log says about lost tasks may not tell their outcome any more: their next owner commits as
  // well. Their changes are nobody's; that owner repeats them if need be.
  if (std::exchange(close_lost_at_end_, false)) host_.close_lost();
  rotate_at_end_ = false;
  begin_rotation();
}

void Transaction::begin_rotation() {
  MR_FAILPOINT("rotate.begin");
  producer_.reset();
  parts_.output.forget_producer();
  retry_at_.reset();  // of a pause that came before
  question_ = 0;
  begun_ = false;
  abort_after_operation_ = false;
  producer_ = parts_.log.make_producer(options_, parts_.inbox);
  writer_ =
      task::writer_of(options_.transactional_id, producer_->epoch().value(), parts_.clock.now());
  operation_ = next_operation();
  producer_->submit_init(operation_);
  MR_FAILPOINT("rotate.sent");
}

void Transaction::back_off(const std::string& why) {
  ++failures_in_a_row_;
  const int doublings = std::min(failures_in_a_row_, 10);
  const Duration pause = std::min(kLongestBackOff, kFirstBackOff * (1 << doublings));
  retry_at_ = parts_.clock.monotonic() + pause;
  parts_.logger.write(LogLevel::kWarning, "transaction " + options_.transactional_id + ": " + why +
                                              "; trying again in " + std::to_string(pause.count()) +
                                              " ms");
}

// The broker reports its own transaction time-out as a fence too, so one alone says nothing. Where
// the worker stops, the id is left to the other one: a rotation would take it back once more.
bool Transaction::stopped_by_fence() {
  const Duration now = parts_.clock.monotonic();
  fenced_at_.push_back(now);
  while (now - fenced_at_.front() > Duration(60'000)) fenced_at_.pop_front();
  if (max_fences_per_minute_ == 0 || std::ssize(fenced_at_) <= max_fences_per_minute_) return false;
  host_.stop("transactional.id " + options_.transactional_id + " was taken over " +
             std::to_string(fenced_at_.size()) +
             " times within a minute: another process runs with the same application.id. Nothing "
             "uncommitted is "
             "visible and nothing is lost; stop one of the two");
  return true;
}

log::OperationId Transaction::next_operation() { return log::OperationId(++operations_); }

}  // namespace millrace::worker
