// SpanGuard: where transactions span inputs, which inputs may wait in the log together so that the
// order in which they are taken is still given.
//
// Of records that wait at the same time a task takes the one with the smallest timestamp (SEMANTICS
// R-T4), one that is not known to wait is not waited for, and what comes through an internal topic
// comes with the commit of what caused it. So a case, whose results follow the order of its input
// steps, must not have two records wait together if the second might be taken first: not even after
// the task was taken away and begins again where it last committed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

#include "cases/runner/case.h"

namespace millrace::cases {

class SpanGuard {
 public:
  // What must have happened to all that was piped before the next step is.
  enum class Before { kNothing, kTaken, kCommitted };

  explicit SpanGuard(bool has_internal_topics) : has_internal_topics_(has_internal_topics) {}

  // REQUIRES: it will have happened.
  Before before(const InputStep& step) {
    const Before must = must_happen_before(step);
    if (must == Before::kCommitted) greatest_.clear();
    after_clock_ = step.advance_wall_clock_ms.has_value();
    if (!after_clock_) {
      auto& greatest = greatest_.try_emplace(step.topic, step.timestamp).first->second;
      greatest = std::max(greatest, step.timestamp);
    }
    return must;
  }

 private:
  Before must_happen_before(const InputStep& step) const {
    if (step.advance_wall_clock_ms || after_clock_) return Before::kCommitted;
    Before must = Before::kNothing;
    for (const auto& [topic, greatest] : greatest_) {
      if (topic == step.topic) continue;
      if (has_internal_topics_ || step.timestamp <= greatest) return Before::kCommitted;
      must = Before::kTaken;
    }
    return must;
  }

  const bool has_internal_topics_;
  bool after_clock_ = false;
  std::map<std::string, std::int64_t> greatest_;  // per topic, of what is not known to be committed
};

}  // namespace millrace::cases
