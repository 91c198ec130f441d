#include "stream_thread.h"

#include <algorithm>
#include <utility>

namespace millrace {

namespace {

// The longest that the thread waits where the worker names no time.
constexpr Duration kLongestWait{100};
constexpr Duration kFirstPause{100};
constexpr Duration kLongestPause{10'000};

thread_local const StreamThread* current = nullptr;

}  // namespace

std::string what_was_thrown() {
  try {
    throw;
  } catch (const std::exception& e) {
    return task::exception_text(e);
  } catch (...) {
    return "something that is no std::exception";
  }
}

void add(Streams::Progress& sum, const Streams::Progress& more) {
  sum.records += more.records;
  sum.commits += more.commits;
  sum.aborts += more.aborts;
  for (const auto& [what, count] : more.dropped) sum.dropped[what] += count;
}

StreamThread::StreamThread(worker::WorkerOptions options, Parts parts)
    : options_(std::move(options)), parts_(parts) {}

StreamThread::~StreamThread() { join(); }

void StreamThread::join() {
  if (thread_.joinable()) thread_.join();
}

void StreamThread::start() {
  thread_ = std::thread([this] { loop(); });
}

bool StreamThread::is_current() const { return current == this; }

void StreamThread::close() {
  close_ = true;
  wake();
}

void StreamThread::give_up() {
  give_up_ = true;
  wake();
}

void StreamThread::set_paused(bool paused) {
  paused_ = paused;
  wake();
}

void StreamThread::wake() {
  const std::lock_guard lock(mutex_);
  if (inbox_) inbox_->wake();
  changed_.notify_all();
}

void StreamThread::set_inbox(log::Inbox* inbox) {
  const std::lock_guard lock(mutex_);
  inbox_ = inbox;
}

void StreamThread::loop() {
  current = this;
  Failed failed;
  int failures_in_a_row = 0;
  for (bool again = true; again;) {
    std::string why;
    std::optional<UncaughtAction> said;
    try {
      auto worker = std::make_unique<worker::Worker>(parts_.graph, options_, parts_.log,
                                                     parts_.clock, parts_.logger);
      const std::int64_t commits = report().progress.commits;
      set_inbox(&worker->inbox());
      try {
        run(*worker, failed);
        why = worker->failure();
        said = worker->uncaught_action();
      } catch (...) {
        why = "an error of the engine: " + what_was_thrown();
      }
      set_inbox(nullptr);
      failures_in_a_row = report().progress.commits > commits ? 1 : failures_in_a_row + 1;
      add_up();
      if (!why.empty()) failed.push_back(std::move(worker));
    } catch (...) {
      why = "no worker can be made: " + what_was_thrown();
      ++failures_in_a_row;
    }
    if (std::exchange(settled_, false)) parts_.host.settled(*this, false);
    again = !why.empty() && parts_.host.failed(*this, why, said) == AfterFailure::kReplace &&
            pause_before_replacing(failures_in_a_row);
  }
  failed.clear();
  parts_.host.ended(*this);
}

void StreamThread::run(worker::Worker& worker, Failed& failed) {
  while (!worker.finished() && !give_up_) {
    if (close_) worker.close();
    worker.set_paused(paused_);
    const bool moved = worker.step();
    if (!failed.empty() && worker.took_over()) failed.clear();
    publish(worker);
    if (moved) continue;
    Duration wait = kLongestWait;
    if (const auto next = worker.next_timer())
      wait = std::clamp(*next - parts_.clock.monotonic(), Duration{0}, kLongestWait);
    worker.inbox().wait(wait);
  }
}

void StreamThread::publish(const worker::Worker& worker) {
  const worker::TransactionCounts& counts = worker.transaction().counts();
  {
    const std::lock_guard lock(mutex_);
    report_.worker = worker.state();
    report_.transaction = worker.transaction().state();
    report_.progress.records = worker.counts().records;
    if (const worker::TaskSet* tasks = worker.find_tasks()) {
      report_.tasks = tasks->entries().size();
      report_.opening =
          static_cast<std::size_t>(std::ranges::count_if(tasks->entries(), [](const auto& task) {
            return worker::is_opening(task.second.state);
          }));
      if (report_.progress.commits != counts.commits || worker.finished())
        report_.progress.dropped = tasks->dropped();
    }
    report_.progress.commits = counts.commits;
    report_.progress.aborts = counts.aborts;
  }
  if (worker.settled() == settled_) return;
  settled_ = !settled_;
  parts_.host.settled(*this, settled_);
}

void StreamThread::add_up() {
  const std::lock_guard lock(mutex_);
  add(before_, report_.progress);
  const worker::WorkerState ended = report_.worker;
  report_ = {};
  report_.worker = ended;
}

StreamThread::Report StreamThread::report() const {
  const std::lock_guard lock(mutex_);
  Report sum = report_;
  add(sum.progress, before_);
  return sum;
}

// Returns whether there is to be another worker. The pause grows while none of them commits anything.
bool StreamThread::pause_before_replacing(int failures_in_a_row) {
  const Duration pause =
      std::min(kLongestPause, kFirstPause * (1 << std::clamp(failures_in_a_row - 1, 0, 10)));
  parts_.logger.info("thread " + name() + " is replaced in " + std::to_string(pause.count()) +
                     " ms");
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, pause, [this] { return close_ || give_up_; });
}

}  // namespace millrace
