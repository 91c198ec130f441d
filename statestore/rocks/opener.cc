#include "rocks/opener.h"

#include <algorithm>
#include <utility>

#include "rocks/exceptions.h"

namespace millrace::state::rocks {

void Opening::wake() {
  const std::lock_guard lock(waker_mutex);
  if (waker) waker();
}

void Opening::forget_waker() {
  const std::lock_guard lock(waker_mutex);
  waker = nullptr;
}

namespace {

// REQUIRES: inside a catch clause.
std::string text_of_current_exception(const std::filesystem::path& directory) noexcept {
  Status thrown = status_of_current_exception();
  try {
    return "local state in " + directory.string() + " cannot be opened: " + thrown.message() +
           ". Nothing was changed; it is tried again";
  } catch (...) {  // no memory for more words
    return "out of memory";
  }
}

}  // namespace

Opener::Opener(const SharedResources& shared, Applier& applier, Logger& logger)
    : shared_(shared), applier_(applier), logger_(logger), thread_([this] { loop(); }) {}

Opener::~Opener() { stop(); }

std::shared_ptr<Opening> Opener::open(std::filesystem::path directory, TaskDiskSpec spec,
                                      std::function<void()> wake) {
  auto opening = std::make_shared<Opening>();
  opening->directory = std::move(directory);
  opening->spec = std::move(spec);
  opening->waker = std::move(wake);
  const std::lock_guard lock(mutex_);
  queue_.push_back(opening);
  changed_.notify_all();
  return opening;
}

void Opener::release(const std::shared_ptr<Opening>& opening) {
  const std::lock_guard lock(mutex_);
  opening->released = true;
  if (std::erase(queue_, opening) > 0) return;
  // While it is being opened, the opener closes it afterwards; after a failure there is nothing to
  // close.
  if (opening->state.load() == TaskDisk::State::kOpen && !stopping_) {
    applier_.close(opening->task, [this, directory = opening->directory] { closed(directory); });
  }
}

void Opener::closed(const std::filesystem::path& directory) {
  const std::lock_guard lock(mutex_);
  in_use_.erase(directory);
  changed_.notify_all();
}

bool Opener::wait_closed(Duration timeout) {
  std::unique_lock lock(mutex_);
  const auto all_closed = [this] {
    return stopping_ || std::none_of(in_use_.begin(), in_use_.end(),
                                     [](const auto& entry) { return entry.second->released; });
  };
  // A wait for ever is not a point in time that can be computed.
  if (timeout == Duration::max()) {
    changed_.wait(lock, all_closed);
    return true;
  }
  return changed_.wait_for(lock, timeout, all_closed);
}

void Opener::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Opener::loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto free = std::find_if(queue_.begin(), queue_.end(), [this](const auto& opening) {
      return !in_use_.contains(opening->directory);
    });
    if (free == queue_.end()) {
      changed_.wait(lock);
      continue;
    }
    const std::shared_ptr<Opening> opening = *free;
    queue_.erase(free);
    try {
      in_use_.emplace(opening->directory, opening);
      lock.unlock();
      open_now(*opening);
    } catch (...) {
      opening->failure = text_of_current_exception(opening->directory);
    }
    if (!lock.owns_lock()) lock.lock();
    if (!opening->task) {
      in_use_.erase(opening->directory);
      opening->state.store(TaskDisk::State::kFailed, std::memory_order_release);
    } else {
      opening->state.store(TaskDisk::State::kOpen, std::memory_order_release);
    }
    if (opening->task && opening->released && !stopping_) {
      applier_.close(opening->task, [this, directory = opening->directory] { closed(directory); });
    }
    changed_.notify_all();
    lock.unlock();
    opening->wake();
    lock.lock();
  }
}

void Opener::open_now(Opening& opening) {
  auto opened = TaskDatabase::open(opening.directory, opening.spec.stores, shared_, logger_);
  if (!opened.ok()) {
    opening.failure = opened.status().message();
    return;
  }
  auto task = std::make_shared<OpenTask>();
  task->name = opening.spec.directory;
  task->database = std::move(opened.value());
  for (Family& family : task->database->families()) {
    task->tables.push_back(std::make_unique<WaitingBatches>());
    task->tables.back()->task = task.get();
    task->tables.back()->family = &family;
  }
  task->wake = [&opening] { opening.wake(); };
  applier_.add(task);
  opening.task = std::move(task);
}

}  // namespace millrace::state::rocks
