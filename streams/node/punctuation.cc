#include "millrace/punctuation.h"

#include "millrace/detail/processor_host.h"

namespace millrace {

void Cancellable::cancel() {
  if (host_) host_->cancel(schedule_);
}

}  // namespace millrace
