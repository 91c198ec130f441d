// Streams: runs a topology on a Kafka cluster, or on a directory of this machine, exactly once.
//
//   Streams app(builder.build(), {.application_id = "word-count", .bootstrap_servers =
//   "kafka1:9092"}); return app.run();          // until SIGINT or SIGTERM; commits, leaves,
//   returns the exit code
//
// num.stream.threads worker threads share the partitions. Every output, every change of state and the
// input offsets become visible together or not at all; a crash loses nothing and doubles nothing.
// Running, stopping and listening in more detail: docs/running.md.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/config.h"
#include "millrace/restore_listener.h"
#include "millrace/topology.h"

namespace millrace {

// One application in one process. Thread-safe: all members but constructor and destructor may be
// called from any thread, listeners included where nothing else is said.
class Streams {
 public:
  // Created ─▶ Rebalancing ⇄ Running, from both: ─▶ Closing ─▶ Closed, ─▶ Failing ─▶ Failed.
  enum class State {
    kCreated,
    kRebalancing,  // topics are checked, partitions shared out, stores restored
    kRunning,      // every task of every thread runs
    kClosing,      // PENDING_SHUTDOWN in Kafka Streams
    kClosed,       // NOT_RUNNING
    kFailing,      // PENDING_ERROR: a thread failed, the others commit and end
    kFailed,       // ERROR; failure() says why; nothing uncommitted is visible
  };

  // Errors: ConfigError with every mistake. No broker is contacted yet; the directory of an embedded
  // log is opened: StoppedError where it cannot be used (who holds it, what is damaged).
  Streams(Topology topology, StreamsConfig config);
  // REQUIRES: not in a listener, a handler or a function of the topology.
  // Effect: close(25 s) if it is running; then gives up what is still open: the log aborts it. Waits
  // for functions of the topology that are running, however long they take.
  ~Streams();
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  // Effect: takes the state directory, if there are stores to lie in it; starts the threads and
  // returns. REQUIRES: kCreated, else StoppedError. Errors: StoppedError where the directory cannot
  // be used (which process has it, since when); nothing has begun then.
  void start();

  // Effect: start(), then waits for SIGINT, SIGTERM or a failure, then close(25 s). A second signal
  // does not wait any longer. Until it returns these signals mean this, whichever thread of the process
  // they come to; what they meant before, they mean again afterwards.
  // Returns: 0 if everything was committed and given back, 1 otherwise (why: in the logger).
  int run();

  // Effect: each thread commits what is open, gives its partitions back and ends; what they changed
  // is written to disk. Returns false if
  // that took longer than `timeout` (what is open is written to the logger): it goes on, and may be
  // waited for again; the process may end all the same, the log aborts what is open.
  // In a listener, a handler or a function of the topology it asks for the end and does not wait,
  // whatever the timeout: the thread would wait for itself.
  bool close(Duration timeout);

  // --- what runs ---------------------------------------------------------------------------------

  // Effect: no record is processed and nothing punctuated until resume(). Partitions stay, restores
  // go on, and what was processed before is committed. Also before start().
  void pause();
  void resume();
  bool is_paused() const;

  // Effect: one more thread, which takes a share of the partitions. Returns its name; absent unless
  // kRebalancing or kRunning.
  std::optional<std::string> add_thread();

  // Effect: one thread less: it commits, gives its partitions to the others, and ends by itself.
  // Returns its name; absent unless kRebalancing or kRunning, before the first kRunning (the threads
  // of the start share out the partitions together), and for the last thread: close() ends that.
  std::optional<std::string> remove_thread();

  // --- what is said about it ---------------------------------------------------------------------

  State state() const;
  // Why it failed; empty unless kFailing or kFailed.
  std::string failure() const;

  // Called with each change of state(), in order, one at a time, from the thread that made it: be
  // short. What it throws is logged. REQUIRES: set in kCreated, else StoppedError.
  using StateListener = std::function<void(State now, State before)>;
  void on_state_change(StateListener listener);

  // REQUIRES: in kCreated, else StoppedError; the listener outlives this object.
  void on_restore(RestoreListener& listener);

  // Since the start, of all threads, also those that ended. Eventually right.
  struct Progress {
    std::int64_t records = 0;  // taken, also again after an abort
    std::int64_t commits = 0;
    std::int64_t aborts = 0;
    // "node/reason" → records that were dropped (SEMANTICS R-N); told with each commit.
    std::map<std::string, std::int64_t> dropped = {};
  };
  Progress progress() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

constexpr bool is_running_or_rebalancing(Streams::State state) {
  return state == Streams::State::kRunning || state == Streams::State::kRebalancing;
}

// "Running"
std::string_view to_string(Streams::State state);

}  // namespace millrace
