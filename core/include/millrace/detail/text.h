// Words for messages: lists, numbers that people read, and the name that a mistyped one was
// probably meant to be.
//
//   join(names, ", ");                                // "orders, payments"
//   human_count(1234567);                             // "1,234,567"
//   nearest_name("grup.id", known_options)            // "group.id"
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/time.h"

namespace millrace::detail {

// Range: of anything that converts to std::string_view.
template <class Range>
std::string join(const Range& parts, std::string_view separator) {
  std::string text;
  bool first = true;
  for (const auto& part : parts) {
    if (!first) text.append(separator);
    first = false;
    text.append(std::string_view(part));
  }
  return text;
}

// "1,234,567"
std::string human_count(std::int64_t count);

// "512 B", "1.5 KiB", "3.0 GiB"
std::string human_bytes(std::uint64_t bytes);

// "250 ms", "1.5 s", "2 min 5 s", "3 h 20 min", "4 d 1 h"
std::string human_duration(Duration duration);

// "2026-01-31T12:30:00.250Z": UTC, whatever the year.
std::string human_timestamp(Timestamp t);

// The least number of letters to add, drop, change or swap with their neighbour that turns one
// word into the other. Upper and lower case count as the same, '_' and '-' as '.'.
int edit_distance(std::string_view a, std::string_view b);

// Whether a name at this distance is worth a "did you mean": a third of its letters may be wrong.
bool is_near(std::string_view written, int distance);

// The nearest of the known names, the first of equals; nullopt if none is near.
// The result looks at an element of `names`.
template <class Range>
std::optional<std::string_view> nearest_name(std::string_view written, const Range& names) {
  std::optional<std::string_view> nearest;
  int least = 0;
  for (const auto& name : names) {
    const int distance = edit_distance(written, name);
    if (is_near(written, distance) && (!nearest || distance < least)) {
      nearest = std::string_view(name);
      least = distance;
    }
  }
  return nearest;
}

}  // namespace millrace::detail
