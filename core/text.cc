#include "millrace/detail/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <limits>
#include <vector>

namespace millrace::detail {

namespace {

// A number with one digit behind the point, rounded down: 1,023 KiB is not yet 1.0 MiB.
std::string with_tenth(std::uint64_t value, std::uint64_t unit) {
  return std::to_string(value / unit) + '.' + std::to_string(value % unit * 10 / unit);
}

std::string two_units(std::int64_t value, std::int64_t per_unit, const char* unit,
                      const char* rest_unit) {
  std::string text = std::to_string(value / per_unit) + unit;
  if (value % per_unit != 0) text += ' ' + std::to_string(value % per_unit) + rest_unit;
  return text;
}

char folded(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return c == '_' || c == '-' ? '.' : c;
}

}  // namespace

std::string human_count(std::int64_t count) {
  std::string text = std::to_string(count);
  const std::size_t first_digit = count < 0 ? 1 : 0;
  for (std::size_t at = text.size(); at > first_digit + 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits = {" KiB", " MiB", " GiB", " TiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  std::size_t i = 0;
  std::uint64_t unit = 1024;
  while (i + 1 < kUnits.size() && bytes / unit >= 1024) {
    unit *= 1024;
    ++i;
  }
  return with_tenth(bytes, unit) + kUnits[i];
}

std::string human_duration(Duration duration) {
  const std::int64_t ms = to_ms(duration);
  if (ms < 0) {
    // The least number has no positive twin; nobody reads the difference of a millisecond.
    return '-' + human_duration(Duration(-std::max(ms, -std::numeric_limits<std::int64_t>::max())));
  }
  if (ms < 1000) return std::to_string(ms) + " ms";
  if (ms < 60'000) return with_tenth(static_cast<std::uint64_t>(ms), 1000) + " s";
  const std::int64_t minutes = ms / 60'000;
  if (minutes < 60) return two_units(ms / 1000, 60, " min", " s");
  if (minutes < 24 * 60) return two_units(minutes, 60, " h", " min");
  return two_units(minutes / 60, 24, " d", " h");
}

std::string human_timestamp(Timestamp t) {
  std::int64_t seconds = to_ms(t) / 1000;
  std::int64_t ms = to_ms(t) % 1000;
  if (ms < 0) {
    ms += 1000;
    --seconds;
  }
  // Not std::chrono's calendar: it knows no year beyond 32767, and a damaged timestamp must be
  // printable, too.
  const std::time_t time = seconds;
  std::tm utc{};
  if (gmtime_r(&time, &utc) == nullptr) return std::to_string(to_ms(t)) + " ms";
  char date[40];
  const std::size_t size = std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
  const std::string digits = std::to_string(ms);
  return std::string(date, size) + '.' + std::string(3 - digits.size(), '0') + digits + 'Z';
}

int edit_distance(std::string_view a, std::string_view b) {
  // Rows of the usual table: distances between the first i letters of `a` and the first j of `b`.
  std::vector<int> two_above(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(two_above, above);
    std::swap(above, row);
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int changed = folded(a[i - 1]) == folded(b[j - 1]) ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + changed});
      if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
          folded(a[i - 2]) == folded(b[j - 1])) {
        row[j] = std::min(row[j], two_above[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

bool is_near(std::string_view written, int distance) {
  return distance <= std::max(1, static_cast<int>(written.size()) / 3);
}

}  // namespace millrace::detail
