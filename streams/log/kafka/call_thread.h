// A thread for blocking calls, one at a time in the order given: each producer has one for its
// transactional calls, the log has one for the questions of its admins. The thread outlives this
// object when a call does not come back, and ends by itself afterwards.
#pragma once

#include <functional>
#include <memory>

namespace millrace::log {

class CallThread {
 public:
  CallThread();

  // Effect: does not wait. The call under way is finished, the others are dropped.
  ~CallThread();
  CallThread(const CallThread&) = delete;
  CallThread& operator=(const CallThread&) = delete;

  // Effect: the call is made when its turn comes. It must not throw, and keeps alive what it uses.
  void run(std::function<void()> call);

 private:
  struct Shared;
  static void work(std::shared_ptr<Shared> shared);

  const std::shared_ptr<Shared> shared_;
};

}  // namespace millrace::log
