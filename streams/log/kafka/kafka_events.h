// The way from a Kafka client to its worker's inbox. Callbacks of librdkafka and threads that are
// still busy may outlive the object that the worker held, and the inbox; so they hold a Mailbox,
// which is closed when the object goes.
#pragma once

#include <memory>
#include <mutex>

#include "log/inbox.h"

namespace millrace::log {

// Thread-safety: all functions from any thread, C callbacks included.
class Mailbox {
 public:
  using Content = decltype(Event::what);

  Mailbox(Inbox& inbox, Epoch epoch) : epoch_(epoch), inbox_(&inbox) {}

  Epoch epoch() const { return epoch_; }

  // Effect: an event for the worker; none after close().
  void post(OperationId operation, Status status, Content what) noexcept;

  void wake() noexcept;

  // Effect: when it returns nothing of this mailbox reaches the inbox any more.
  void close() noexcept;

 private:
  const Epoch epoch_;
  std::mutex mutex_;
  Inbox* inbox_;  // guarded by mutex_; nullptr: closed
};

}  // namespace millrace::log
