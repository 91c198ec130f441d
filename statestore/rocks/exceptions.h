// Exceptions that reach the function of one of our threads: memory that ran out, or what a user's
// options made RocksDB throw. They become a failure of the disk at hand, never the process's end.
#pragma once

#include "millrace/result.h"

namespace millrace::state::rocks {

// REQUIRES: inside a catch clause. kRetry where memory ran out, kFatal for everything else, in the
// exception's own words. Throws nothing.
Status status_of_current_exception() noexcept;

}  // namespace millrace::state::rocks
