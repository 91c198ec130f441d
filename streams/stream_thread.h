// One thread of an application: steps a worker until it is closed, waits on its inbox in between, and
// puts another one in its place where that is wanted after a failure.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "millrace/streams.h"
#include "worker/worker.h"

namespace millrace {

// Effect: `sum` is of both.
void add(Streams::Progress& sum, const Streams::Progress& more);

enum class AfterFailure {
  kStop,     // the thread ends; the client stops its others
  kReplace,  // another worker with the same transactional id takes over
};

// What the exception at hand says. REQUIRES: inside a catch.
std::string what_was_thrown();

class StreamThread {
 public:
  // What a thread tells, from that thread and under no lock of its own.
  class Host {
   public:
    virtual ~Host() = default;
    // All its tasks run, or not all any more.
    virtual void settled(StreamThread& thread, bool settled) = 0;
    // `said`: what the uncaught handler said about it, where it was asked.
    virtual AfterFailure failed(StreamThread& thread, const std::string& why,
                                std::optional<UncaughtAction> said) = 0;
    // The last call.
    virtual void ended(StreamThread& thread) = 0;
  };

  struct Parts {
    const graph::BuiltGraph& graph;
    log::Log& log;
    const Clock& clock;
    Logger& logger;
    Host& host;
  };

  // As of the worker's last step; counts are of all workers that this thread had.
  struct Report {
    worker::WorkerState worker = worker::WorkerState::kStarting;
    worker::ProducerState transaction = worker::ProducerState::kRotating;
    std::size_t tasks = 0;
    std::size_t opening = 0;  // of them; they do not run yet
    Streams::Progress progress;
  };

  // The worker's transactional id is the thread's name. All parts outlive the thread.
  StreamThread(worker::WorkerOptions options, Parts parts);
  // Effect: join().
  ~StreamThread();
  StreamThread(const StreamThread&) = delete;
  StreamThread& operator=(const StreamThread&) = delete;

  const std::string& name() const { return options_.transactional_id; }

  // Effect: starts it. REQUIRES: once.
  void start();
  // Effect: waits for the thread's end, if it was started. REQUIRES: close() or give_up().
  void join();

  // --- thread-safe -------------------------------------------------------------------------------

  // Whether the caller runs on it: a listener, a handler, a function of the topology.
  bool is_current() const;

  // Effect: the worker commits what is open and leaves its group; then the thread ends.
  void close();
  // Effect: the thread ends after the step at hand. What is open is for the log to abort.
  void give_up();
  void set_paused(bool paused);
  Report report() const;

 private:
  // Failed workers that still own their partitions. They are destroyed once another with the same
  // transactional id has taken over: before that, a commit of theirs may be on its way, and the next
  // owner must not look at the offsets.
  using Failed = std::vector<std::unique_ptr<worker::Worker>>;

  void loop();
  void run(worker::Worker& worker, Failed& failed);
  void publish(const worker::Worker& worker);
  void add_up();
  bool pause_before_replacing(int failures_in_a_row);
  void set_inbox(log::Inbox* inbox);
  void wake();

  const worker::WorkerOptions options_;
  const Parts parts_;
  std::atomic<bool> close_{false};
  std::atomic<bool> give_up_{false};
  std::atomic<bool> paused_{false};
  bool settled_ = false;  // as the host was told; the thread's own

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  log::Inbox* inbox_ = nullptr;  // guarded by mutex_
  Report report_;                // guarded by mutex_: of the worker at hand
  Streams::Progress before_;     // guarded by mutex_: of the workers before
  std::thread thread_;
};

}  // namespace millrace
