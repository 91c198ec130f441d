#include "log/kafka/call_thread.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace millrace::log {

struct CallThread::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> calls;  // guarded by mutex
  bool stop = false;                        // guarded by mutex
};

CallThread::CallThread() : shared_(std::make_shared<Shared>()) {
  std::thread([shared = shared_] { work(shared); }).detach();
}

CallThread::~CallThread() {
  std::deque<std::function<void()>> dropped;  // what they keep alive goes after the lock
  std::lock_guard lock(shared_->mutex);
  shared_->stop = true;
  dropped.swap(shared_->calls);
  shared_->changed.notify_one();
}

void CallThread::run(std::function<void()> call) {
  std::lock_guard lock(shared_->mutex);
  shared_->calls.push_back(std::move(call));
  shared_->changed.notify_one();
}

void CallThread::work(std::shared_ptr<Shared> shared) {
  for (;;) {
    std::function<void()> call;
    {
      std::unique_lock lock(shared->mutex);
      shared->changed.wait(lock, [&] { return shared->stop || !shared->calls.empty(); });
      if (shared->calls.empty()) return;
      call = std::move(shared->calls.front());
      shared->calls.pop_front();
    }
    call();
  }
}

}  // namespace millrace::log
