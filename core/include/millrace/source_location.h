// Where in the user's program an operator was written; errors print it.
//
// As the default of an option struct's member it is the line of the call:
//   struct Named { std::string_view name; SourceLocation where = SourceLocation::current(); };
#pragma once

#include <cstdint>
#include <string>

namespace millrace {

struct SourceLocation {
  const char* file = "";
  std::uint32_t line = 0;

  static constexpr SourceLocation current(
      const char* file = __builtin_FILE(),
      std::uint32_t line = static_cast<std::uint32_t>(__builtin_LINE())) {
    return {file, line};
  }
};

// "flights.cc:42": the file without its folders.
std::string to_string(const SourceLocation& where);

}  // namespace millrace
