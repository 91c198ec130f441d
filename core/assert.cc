#include "millrace/detail/assert.h"

#include <cstdio>
#include <cstdlib>

namespace millrace::detail {

void assertion_failed(const char* file, int line, const char* condition,
                      const char* message) noexcept {
  // stdio and no logger: a user's logger may be what is broken.
  std::fprintf(stderr, "%s:%d: millrace: this is a bug in millrace: %s [%s]\n", file, line, message,
               condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace millrace::detail
