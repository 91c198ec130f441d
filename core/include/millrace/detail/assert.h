// MILLRACE_ASSERT: an invariant of millrace itself. Stays on in release builds, because a broken
// invariant that is stepped over becomes wrong data.
//
//   MILLRACE_ASSERT(first <= last, "a segment ends before it begins");
//
// Only for our own bugs: never for input, configuration, IO or a user's mistake, which have errors.
// The message says what is wrong in words; it holds no bytes of records.
#pragma once

namespace millrace::detail {

// Effect: prints file, line, condition and message to stderr; aborts.
[[noreturn]] void assertion_failed(const char* file, int line, const char* condition,
                                   const char* message) noexcept;

}  // namespace millrace::detail

#define MILLRACE_ASSERT(condition, message) \
  (static_cast<bool>(condition)             \
       ? static_cast<void>(0)               \
       : ::millrace::detail::assertion_failed(__FILE__, __LINE__, #condition, (message)))
