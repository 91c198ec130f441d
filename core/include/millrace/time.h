// Time in milliseconds, the resolution of Kafka's record timestamps.
//
//   Timestamp t{1500ms};             // since the Unix epoch
//   Duration grace = 15min;
//   to_ms(t + grace);                // a plain integer, where bytes are written
#pragma once

#include <chrono>
#include <cstdint>

namespace millrace {

using Duration = std::chrono::milliseconds;
using Timestamp = std::chrono::time_point<std::chrono::system_clock, Duration>;

constexpr std::int64_t to_ms(Timestamp t) noexcept { return t.time_since_epoch().count(); }
constexpr std::int64_t to_ms(Duration d) noexcept { return d.count(); }
constexpr Timestamp from_ms(std::int64_t ms) noexcept { return Timestamp(Duration(ms)); }

// "No time yet": the -1 that Kafka Streams uses for unknown times (SEMANTICS R-T1, §3.8).
inline constexpr Timestamp kNoTimestamp = from_ms(-1);

}  // namespace millrace
