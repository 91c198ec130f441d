// A running application in this process: its threads, the state that they make up together, and who
// hears of it. Streams is its public face.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "millrace/restore_listener.h"
#include "millrace/streams.h"
#include "stream_thread.h"

namespace millrace {

struct ClientOptions {
  int threads = 1;
  // Of each worker; its transactional id is the application id and the thread's number.
  worker::WorkerOptions worker;
};

// Thread-safe, but for the destructor.
class Client final : private StreamThread::Host {
 public:
  using State = Streams::State;

  struct Parts {
    const graph::BuiltGraph& graph;
    log::Log& log;
    const Clock& clock;
    Logger& logger;
  };

  // All parts outlive the client.
  Client(ClientOptions options, Parts parts);
  // Effect: what close() has not ended is given up: the log aborts what is open.
  ~Client() override;

  // REQUIRES: before start(), as all of Streams' listeners.
  void on_state_change(Streams::StateListener listener);
  void on_restore(RestoreListener& listener);

  void start();
  // On one of its own threads it asks for the end and does not wait.
  bool close(Duration timeout);
  // Whether the caller runs on one of its threads: a listener, a handler, a function of the topology.
  bool on_own_thread() const;
  void set_paused(bool paused);
  bool paused() const;
  std::optional<std::string> add_thread();
  std::optional<std::string> remove_thread();

  State state() const;
  std::string failure() const;
  Streams::Progress progress() const;
  // Each thread that has not ended, and what it is at.
  std::string still_open() const;

 private:
  struct Seat {
    std::unique_ptr<StreamThread> thread;
    bool settled = false;
    bool leaving = false;  // remove_thread() took it
    bool ended = false;
  };
  using Lock = std::unique_lock<std::mutex>;

  // StreamThread::Host
  void settled(StreamThread& thread, bool settled) override;
  AfterFailure failed(StreamThread& thread, const std::string& why,
                      std::optional<UncaughtAction> said) override;
  void ended(StreamThread& thread) override;

  // REQUIRES, all of them: mutex_ held.
  State next_state() const;
  void update(Lock& lock);
  void require_not_started(const char* what) const;
  std::string start_thread();
  std::vector<Seat> take_ended();
  bool is_current_thread_ours() const;
  bool over() const { return state_ == State::kClosed || state_ == State::kFailed; }

  const ClientOptions options_;
  const Parts parts_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int, Seat> seats_;  // by number
  State state_ = State::kCreated;
  std::string failure_;
  bool closing_ = false;
  bool paused_ = false;
  bool has_run_ = false;              // every thread of the start has joined the group
  Streams::Progress ended_progress_;  // of threads that are gone
  std::unique_ptr<RestoreListener> restore_listener_;
  Streams::StateListener state_listener_;
  std::deque<std::pair<State, State>> untold_;  // changes that the listener has not heard of
  std::thread::id teller_;                      // who is telling it; none: nobody
};

}  // namespace millrace
