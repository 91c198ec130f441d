#include "log/journal/journal_state.h"

#include <exception>
#include <string>

namespace millrace::log::journal {

Status stopped_by_exception(std::string_view what) noexcept {
  try {
    std::string message(what);
    try {
      throw;
    } catch (const std::exception& e) {
      message += std::string(": ") + e.what();
    } catch (...) {
      message += ": something was thrown that is no std::exception";
    }
    return Status::fatal(std::move(message));
  } catch (...) {
    return Status::fatal("no memory");  // takes none
  }
}

}  // namespace millrace::log::journal
