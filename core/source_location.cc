#include "millrace/source_location.h"

#include <string_view>

namespace millrace {

std::string to_string(const SourceLocation& where) {
  const std::string_view path = where.file;
  if (path.empty()) return "unknown place";
  // npos + 1 is 0: a file without folders stays whole.
  return std::string(path.substr(path.find_last_of("/\\") + 1)) + ':' + std::to_string(where.line);
}

}  // namespace millrace
