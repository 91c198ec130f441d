#include "log/kafka/kafka_events.h"

#include <utility>

namespace millrace::log {

void Mailbox::post(OperationId operation, Status status, Content what) noexcept {
  std::lock_guard lock(mutex_);
  if (inbox_ != nullptr) inbox_->push({epoch_, operation, std::move(status), std::move(what)});
}

void Mailbox::wake() noexcept {
  std::lock_guard lock(mutex_);
  if (inbox_ != nullptr) inbox_->wake();
}

void Mailbox::close() noexcept {
  std::lock_guard lock(mutex_);
  inbox_ = nullptr;
}

}  // namespace millrace::log
