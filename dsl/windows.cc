#include "millrace/dsl/windows.h"

#include <algorithm>
#include <utility>

#include "millrace/detail/text.h"
#include "millrace/dsl/detail/window_store_spec.h"

namespace millrace::detail {

std::vector<std::string> mistakes_of(const TimeWindows& windows, Duration retention) {
  const auto text = [](Duration d) {
    return d < Duration::zero() ? std::to_string(to_ms(d)) + " ms" : human_duration(d);
  };
  std::vector<std::string> mistakes;
  if (windows.size <= Duration::zero()) {
    mistakes.push_back("a window lasts longer than nothing: .size is " + text(windows.size));
  } else if (windows.advance <= Duration::zero() || windows.advance > windows.size) {
    mistakes.push_back("between two windows must be no gap: .advance is " + text(windows.advance) +
                       ", but must be more than nothing and at most .size, " + text(windows.size));
  }
  if (windows.grace.value() < Duration::zero()) {
    mistakes.push_back("a record cannot be late by less than nothing: .grace is " +
                       text(windows.grace.value()));
  }
  if (mistakes.empty() && retention < default_retention(windows)) {
    mistakes.push_back("a window must be kept until it closes: .retention is " + text(retention) +
                       ", but must be at least .size + .grace, " +
                       text(default_retention(windows)));
  }
  return mistakes;
}

void report_mistakes(const Handle& place, const TimeWindows& windows, Duration retention) {
  for (std::string& mistake : mistakes_of(windows, retention)) {
    place.graph()->report(windows.where, std::move(mistake));
  }
}

Duration default_retention(const TimeWindows& windows) {
  const Duration grace = std::max(windows.grace.value(), Duration::zero());
  return windows.size > Duration::max() - grace ? Duration::max() : windows.size + grace;
}

}  // namespace millrace::detail
