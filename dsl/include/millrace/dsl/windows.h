// TimeWindows: tumbling and hopping windows.
//
//   orders.group_by_key()
//       .windowed_by(TimeWindows{.size = 1h, .grace = 15min})                    // tumbling
//       .count("orders-per-hour");
//   TimeWindows{.size = 6h, .advance = 1h, .grace = 15min}                       // hopping
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "millrace/source_location.h"
#include "millrace/time.h"

namespace millrace {

namespace detail {
template <class T>
inline constexpr bool never = false;
}  // namespace detail

// How late a record may be: how long after its end, in stream time, a window still takes records.
// It has no default, because whoever does not choose loses late records without knowing.
class Grace {
 public:
  template <class T = void>
  Grace() {
    static_assert(detail::never<T>,
                  "millrace: say how late a record may be: .grace = 5min, or .grace = 0s to drop "
                  "every late record");
  }
  template <class Rep, class Period>
  constexpr Grace(std::chrono::duration<Rep, Period> grace) : grace_(grace) {}

  constexpr Duration value() const { return grace_; }

 private:
  Duration grace_;
};

// Windows [start, start + size) whose starts are the multiples of `advance`, from 0 on. A record
// belongs to size / advance of them (SEMANTICS R-W1). A window takes no more records once the
// stream time of its operator is at its end + grace or later (R-W2).
//
// build() refuses what makes no sense: REQUIRES 0 < advance <= size, grace >= 0.
struct TimeWindows {
  Duration size = {};
  Duration advance = size;  // left out: tumbling
  Grace grace;
  SourceLocation where = SourceLocation::current();
};

namespace detail {
// What is wrong with these windows, one sentence each. `retention`: of their store.
std::vector<std::string> mistakes_of(const TimeWindows& windows, Duration retention);

// How long a window can be read if nobody said more: size + grace (SEMANTICS R-W5).
Duration default_retention(const TimeWindows& windows);
}  // namespace detail

}  // namespace millrace
