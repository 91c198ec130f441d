#include "millrace/result.h"

namespace millrace {

std::string_view to_string(Consequence c) {
  switch (c) {
    case Consequence::kNone:
      return "none";
    case Consequence::kRetry:
      return "retry";
    case Consequence::kAbort:
      return "abort";
    case Consequence::kFenced:
      return "fenced";
    case Consequence::kUnknown:
      return "unknown";
    case Consequence::kFatal:
      return "fatal";
  }
  return "?";
}

}  // namespace millrace
