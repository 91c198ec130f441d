#include "rocks/applier.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "millrace/detail/failpoint.h"
#include "millrace/detail/text.h"
#include "rocks/exceptions.h"
#include "rocks/merged_batches.h"
#include "rocks/table_writer.h"

namespace millrace::state::rocks {

Applier::Applier(ApplierOptions options, MemoryBudget* budget, Logger& logger)
    : options_(options), budget_(budget), logger_(logger), thread_([this] { loop(); }) {}

Applier::~Applier() { stop(); }

void Applier::add(std::shared_ptr<OpenTask> task) {
  task->database->background_errors().tell([this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_one();
  });
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
}

void Applier::close(const std::shared_ptr<OpenTask>& task, std::function<void()> closed) {
  const std::lock_guard lock(mutex_);
  task->closing = true;
  task->closed = std::move(closed);
  changed_.notify_one();
}

BatchNumber Applier::submit(WaitingBatches& table, CommitBatch batch) {
  const std::size_t bytes = batch.bytes();
  const std::lock_guard lock(mutex_);
  if (table.batches.empty()) table.since = Clock::now();
  const bool was_less = table.bytes < options_.collect_bytes;
  table.batches.push_back(std::move(batch));
  count(table, static_cast<std::int64_t>(bytes));
  // The applier sleeps until the oldest is due, so the first has to tell it, and the one too many.
  if (table.batches.size() == 1 || table.hurried ||
      (was_less && table.bytes >= options_.collect_bytes)) {
    changed_.notify_one();
  }
  return BatchNumber(++table.submitted);
}

// Effect: what waits for the table grew by so many bytes.
void Applier::count(WaitingBatches& table, std::int64_t bytes) {
  table.bytes += static_cast<std::size_t>(bytes);
  waiting_bytes_ += static_cast<std::size_t>(bytes);
  if (budget_) budget_->add(MemoryUse::kBatches, bytes);
}

void Applier::hurry(WaitingBatches& table) {
  const std::lock_guard lock(mutex_);
  if (table.batches.empty()) return;
  table.hurried = true;
  changed_.notify_one();
}

Status Applier::health(const WaitingBatches& table) const {
  const std::lock_guard lock(mutex_);
  const OpenTask& task = *table.task;
  if (!task.health.ok() || !task.database->doubted()) return task.health;
  return Status::fatal(where(task) +
                       " met damage in a read. It is opened anew, and set aside if it is damaged");
}

std::size_t Applier::waiting_bytes() const {
  const std::lock_guard lock(mutex_);
  return waiting_bytes_;
}

bool Applier::wait_closed(Duration timeout) {
  std::unique_lock lock(mutex_);
  return closed_.wait_for(lock, timeout, [this] {
    return std::none_of(tasks_.begin(), tasks_.end(), [](const auto& t) { return t->closing; });
  });
}

void Applier::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  std::vector<std::shared_ptr<OpenTask>>
      open;  // closed without the lock: RocksDB's threads may want it
  const std::lock_guard lock(mutex_);
  open.swap(tasks_);
  for (const auto& task : open) forget_batches(*task);
}

void Applier::forget_batches(OpenTask& task) {
  for (const auto& table : task.tables) count(*table, -static_cast<std::int64_t>(table->bytes));
}

bool Applier::due(const WaitingBatches& table, Clock::time_point now) const {
  return !table.batches.empty() && (table.hurried || table.bytes >= options_.collect_bytes ||
                                    now - table.since >= options_.collect_for);
}

// When something of this task is to be done; nullopt: not before somebody says so.
std::optional<Applier::Clock::time_point> Applier::due_at(const OpenTask& task) const {
  if (task.closing) return Clock::time_point::min();
  if (task.health.consequence() == Consequence::kFatal) return std::nullopt;
  if (!task.health.ok()) return task.not_before;
  if (!task.database->background_errors().well()) return Clock::time_point::min();
  std::optional<Clock::time_point> at;
  for (const auto& table : task.tables) {
    if (table->batches.empty()) continue;
    const bool now = table->hurried || table->bytes >= options_.collect_bytes;
    const auto then = now ? Clock::time_point::min() : table->since + options_.collect_for;
    if (!at || then < *at) at = then;
  }
  return at;
}

// The next task, in turn, that has something to do now.
std::shared_ptr<OpenTask> Applier::next(Clock::time_point now) {
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    const std::size_t at = (turn_ + i) % tasks_.size();
    const auto when = due_at(*tasks_[at]);
    if (!when || *when > now) continue;
    turn_ = at + 1;
    return tasks_[at];
  }
  return nullptr;
}

void Applier::loop() {
  measure_nothing();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const Clock::time_point now = Clock::now();
    if (const auto task = next(now)) {
      if (task->closing) {
        close_now(task, lock);
        continue;
      }
      work_on(*task, lock);
      continue;
    }
    std::optional<Clock::time_point> wake_at;
    for (const auto& task : tasks_) {
      const auto at = due_at(*task);
      if (at && (!wake_at || *at < *wake_at)) wake_at = at;
    }
    if (wake_at) {
      changed_.wait_until(lock, *wake_at);
    } else {
      changed_.wait(lock);
    }
  }
}

// Whatever is thrown on the way is a failure of the task's disk: others go on, and so does this thread.
void Applier::work_on(OpenTask& task, std::unique_lock<std::mutex>& lock) {
  try {
    try_work_on(task, lock);
  } catch (...) {
    const Status thrown = status_of_current_exception();
    if (!lock.owns_lock()) lock.lock();
    fail(task, thrown, lock);
  }
}

void Applier::try_work_on(OpenTask& task, std::unique_lock<std::mutex>& lock) {
  if (!recover(task, lock)) return;
  const Clock::time_point now = Clock::now();
  for (const auto& table : task.tables) {
    // After a failure everything is tried, so that its end is known.
    if (stopping_ || !(due(*table, now) || (!task.health.ok() && !table->batches.empty())))
      continue;
    if (!apply(task, *table, lock)) return;
  }
  if (task.health.ok()) return;
  task.health = Status::success();
  lock.unlock();
  logger_.info(where(task) + " is written to disk again; nothing was lost");
  if (task.wake) task.wake();
  lock.lock();
}

// Effect: asks RocksDB to go on after an error of its own threads. What was written stays in its write
// buffers until then. Returns false if it cannot yet.
bool Applier::recover(OpenTask& task, std::unique_lock<std::mutex>& lock) {
  BackgroundErrors& errors = task.database->background_errors();
  if (errors.well()) return true;
  lock.unlock();
  const rocksdb::Status error = errors.now();
  const bool well = task.database->db().Resume().ok();
  if (well) errors.clear();
  lock.lock();
  if (!well) fail(task, to_status(error), lock);
  return well;
}

// Effect: writes all that waits for the table. Batches stay where they are until that is done: new
// ones come behind them. Returns false if the disk refused.
bool Applier::apply(OpenTask& task, WaitingBatches& table, std::unique_lock<std::mutex>& lock) {
  std::vector<const CommitBatch*> batches;
  for (const CommitBatch& batch : table.batches) batches.push_back(&batch);
  std::vector<CommitBatch> written_batches;  // freed without the lock
  written_batches.reserve(batches.size());
  const std::int64_t last = table.submitted;
  // After an error that it got over RocksDB gives a sorted file no number of its own (7.8.3: an
  // assertion says so; see TaskDatabase::flush): until the next opening all goes the other way.
  const std::size_t ingest_from = task.database->background_errors().any()
                                      ? std::numeric_limits<std::size_t>::max()
                                  : MR_FAILPOINT_ERROR("ingest.choose") != 0
                                      ? 0  // a test wants few bytes to go the way of many
                                      : options_.ingest_from;
  lock.unlock();
  const Status written = write(*task.database, *table.family, merge(batches), ingest_from);
  lock.lock();
  if (!written.ok()) {
    fail(task, written, lock);
    return false;
  }
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    bytes += table.batches.front().bytes();
    written_batches.push_back(std::move(table.batches.front()));
    table.batches.pop_front();
  }
  count(table, -static_cast<std::int64_t>(bytes));
  table.since = Clock::now();
  table.hurried = table.hurried && !table.batches.empty();
  table.applied.store(last, std::memory_order_release);
  lock.unlock();
  written_batches.clear();
  if (task.wake) task.wake();
  lock.lock();
  return true;
}

std::string Applier::where(const OpenTask& task) {
  return "local state in " + task.database->directory().string();
}

// Effect: the task's health says so, and so does the log, where it is news. What waits for the disk stays
// until it is tried again, or, where that is in vain, until the task closes it.
void Applier::fail(OpenTask& task, const Status& status, std::unique_lock<std::mutex>& lock) {
  task.not_before = Clock::now() + options_.retry_after;
  if (status.consequence() == Consequence::kFatal) task.database->doubt();
  const bool news = task.health.consequence() != status.consequence();
  std::size_t waiting = 0;
  for (const auto& table : task.tables) waiting += table->bytes;
  try {
    std::string text = where(task) + " cannot be written: " + status.message();
    if (status.consequence() == Consequence::kRetry) {
      text += ". Nothing is lost: " + detail::human_bytes(waiting) +
              " wait in memory and are written as soon as the disk takes them";
    } else {
      text +=
          ". Nothing is lost: its task closes it and opens it anew, and the changelogs have the "
          "rest";
    }
    task.health = Status(status.consequence(), text);
    lock.unlock();
    if (news) logger_.error(text);
  } catch (...) {  // no memory for words
    if (!lock.owns_lock()) lock.lock();
    task.health = Status(status.consequence(), std::string());
    lock.unlock();
  }
  if (news && task.wake) task.wake();
  lock.lock();
}

// Whatever is thrown on the way, the database is closed and its directory can be opened again.
void Applier::close_now(const std::shared_ptr<OpenTask>& task, std::unique_lock<std::mutex>& lock) {
  task->wake = nullptr;
  bool complete = true;
  Status closed;
  try {
    for (const auto& table : task->tables) {
      if (!table->batches.empty() && task->health.consequence() != Consequence::kFatal) {
        complete = apply(*task, *table, lock) && complete;
      }
      complete = complete && table->batches.empty();
    }
    lock.unlock();
    closed = task->database->close();
  } catch (...) {
    closed = status_of_current_exception();
    if (lock.owns_lock()) lock.unlock();
  }
  if (!closed.ok() || !complete) tell_incomplete(*task, closed);
  task->database.reset();
  task->closed();
  lock.lock();
  forget_batches(*task);
  std::erase(tasks_, task);
  closed_.notify_all();
}

void Applier::tell_incomplete(const OpenTask& task, const Status& closed) noexcept {
  try {
    logger_.warning("local state of " + task.name + " was closed before all of it was on disk" +
                    (closed.ok() ? "" : ": " + closed.message()) +
                    ". Nothing is lost: the changelog has the rest");
  } catch (...) {  // no memory for words
    return;
  }
}

}  // namespace millrace::state::rocks
