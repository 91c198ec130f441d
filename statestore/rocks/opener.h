// Opens the databases of tasks on a thread of its own, one after the other, and knows which are open:
// a directory that is still being closed is opened again after that.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "millrace/detail/disk_host.h"
#include "millrace/logging.h"
#include "rocks/applier.h"

namespace millrace::state::rocks {

// One TaskDisk's way from being asked for to being closed.
struct Opening {
  std::filesystem::path directory;
  TaskDiskSpec spec;
  std::atomic<TaskDisk::State> state{TaskDisk::State::kOpening};
  // Written before `state` says so:
  std::string failure;
  std::shared_ptr<OpenTask> task;
  // Guarded by the opener's lock:
  bool released = false;  // its TaskDisk is gone

  // Effect: calls `wake`, unless it was forgotten. After forget_waker() nobody is in it any more.
  void wake();
  void forget_waker();

  std::mutex waker_mutex;
  std::function<void()> waker;
};

// Thread-safety: any thread.
class Opener {
 public:
  Opener(const SharedResources& shared, Applier& applier, Logger& logger);
  ~Opener();

  std::shared_ptr<Opening> open(std::filesystem::path directory, TaskDiskSpec spec,
                                std::function<void()> wake);
  // Effect: its TaskDisk is gone: closed in the background, or not opened at all.
  void release(const std::shared_ptr<Opening>& opening);

  // Effect: waits until all that was released is closed, at most so long. Returns whether it is.
  bool wait_closed(Duration timeout);
  // Effect: ends after the opening at hand.
  void stop();

 private:
  void loop();
  // Effect: either `task` or `failure` is there afterwards.
  void open_now(Opening& opening);
  void closed(const std::filesystem::path& directory);

  const SharedResources& shared_;
  Applier& applier_;
  Logger& logger_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Opening>> queue_;
  // Directories that are open, or being opened or closed.
  std::map<std::filesystem::path, std::shared_ptr<Opening>> in_use_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace millrace::state::rocks
