// Operations of the log seam for a thread that may wait: one at a time, on an inbox of its own.
#pragma once

#include <utility>

#include "log/inbox.h"

namespace millrace::log {

// Not thread-safe.
class OneOperation {
 public:
  // What the operation is submitted with; its events must come here.
  Inbox& inbox() { return inbox_; }

  // Effect: calls submit(id), then waits for its end, however long that takes. Failed deliveries that
  // arrive meanwhile are kept: see failure().
  template <class Submit>
  Event run(Submit submit) {
    failure_ = Status::success();
    ++last_;
    submit(last_);
    for (;;) {
      Event event;
      while (inbox_.pop(event)) {
        if (event.operation == last_) return event;
        if (event.operation == kNoOperation && !event.status.ok()) failure_ = event.status;
      }
      inbox_.wait(kLongest);
    }
  }

  // Why a record was refused, if one was since the last run() began or before it.
  const Status& failure() const { return failure_; }

 private:
  static constexpr Duration kLongest{1000};

  Inbox inbox_;
  OperationId last_{0};
  Status failure_;
};

}  // namespace millrace::log
