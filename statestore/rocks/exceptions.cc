#include "rocks/exceptions.h"

#include <exception>
#include <new>
#include <string>

namespace millrace::state::rocks {

Status status_of_current_exception() noexcept {
  // Short enough to need no memory.
  const auto out_of_memory = [] { return Status::retry("out of memory"); };
  try {
    try {
      throw;
    } catch (const std::bad_alloc&) {
      return out_of_memory();
    } catch (const std::exception& error) {
      return Status::fatal(error.what());
    } catch (...) {
      return Status::fatal("something was thrown that is no std::exception");
    }
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

}  // namespace millrace::state::rocks
