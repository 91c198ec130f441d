#include "log/journal/disk_reader.h"

#include <algorithm>
#include <utility>

namespace millrace::log::journal {

namespace {

// Read ahead for one partition. A batch is read whole, whatever its size.
constexpr std::size_t kMostReadyBytes = std::size_t{1} << 20;

struct ReadBatch {
  std::optional<RecordLoan> loan;  // nullopt: nothing is there any more
  Status status;
};

ReadBatch read(const FrameStore& store, PartitionKey where, Offset offset, Offset until) {
  for (;;) {
    const Result<std::optional<BatchLocation>> found = store.find(where, offset);
    if (!found.ok()) return {std::nullopt, found.status()};
    if (!found.value() || found.value()->base >= until) return {};
    Result<StoredBatch> batch = store.read(*found.value());
    if (!batch.ok()) {
      // The cleaner may have taken the file away before it was opened here.
      const auto now = store.find(where, offset);
      if (now.ok() && (!now.value() || now.value()->segment != found.value()->segment)) continue;
      return {std::nullopt, batch.status()};
    }
    const Offset base = batch.value().base;
    const Offset next = batch.value().next;
    return {RecordLoan{std::make_shared<const Bytes>(std::move(batch.value().encoded)), base, next},
            Status::success()};
  }
}

}  // namespace

DiskReader::DiskReader(JournalState& state) : state_(state), thread_([this] { run(); }) {}

DiskReader::~DiskReader() {
  {
    const std::lock_guard lock(state_.mutex);
    stopping_ = true;
  }
  wanted_.notify_all();
  thread_.join();
}

void DiskReader::want(const std::shared_ptr<Prefetch>& prefetch) {
  if (prefetch->queued || prefetch->done() || prefetch->ready_bytes >= kMostReadyBytes) return;
  prefetch->queued = true;
  queue_.push_back(prefetch);
  wanted_.notify_one();
}

void DiskReader::run() {
  std::unique_lock lock(state_.mutex);
  for (;;) {
    wanted_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const std::shared_ptr<Prefetch> prefetch = std::move(queue_.front());
    queue_.pop_front();
    if (prefetch->inbox == nullptr) continue;
    try {
      read_one(prefetch, lock);
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      prefetch->queued = false;
      prefetch->failed = stopped_by_exception("the journal cannot be read on");
      if (prefetch->inbox != nullptr) prefetch->inbox->wake();
    }
  }
}

void DiskReader::read_one(const std::shared_ptr<Prefetch>& prefetch,
                          std::unique_lock<std::mutex>& lock) {
  const PartitionKey where = prefetch->where;
  const Offset next = prefetch->next;
  const Offset until = prefetch->until;
  lock.unlock();
  ReadBatch batch = read(*state_.store, where, next, until);
  lock.lock();
  prefetch->queued = false;
  if (!batch.status.ok()) {
    prefetch->failed = std::move(batch.status);
  } else if (!batch.loan) {
    prefetch->next = until;  // as it was then: what has left memory since is still to be read
  } else {
    prefetch->next = std::max(batch.loan->next, next + 1);
    prefetch->ready_bytes += batch.loan->encoded->size();
    prefetch->ready.push_back(std::move(*batch.loan));
  }
  if (prefetch->inbox != nullptr) {
    prefetch->inbox->wake();
    want(prefetch);
  }
}

}  // namespace millrace::log::journal
