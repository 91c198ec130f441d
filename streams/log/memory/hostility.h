// Draws the faults of a memory log and counts them.
#pragma once

#include "log/memory/hostile.h"
#include "log/memory/random.h"

namespace millrace::log::memory {

// Faults since the last good end, of one transactional id or group: what keeps a hostile log from
// stopping all progress.
struct FaultRow {
  int length = 0;
};

class Hostility {
 public:
  explicit Hostility(const HostileOptions& options) : options_(options), random_(options.seed) {}

  const HostileOptions& options() const { return options_; }
  HostileCounts& counts() { return counts_; }
  const HostileCounts& counts() const { return counts_; }
  Random& random() { return random_; }

  // Things come in another order than they were asked for, in pieces, and late.
  bool shuffles() const { return options_.late_percent > 0; }

  // Effect: draws whether a fault happens; one that does makes the row longer.
  bool strikes(int one_in, FaultRow& row) {
    if (one_in == 0 || row.length >= options_.max_faults_in_row || !random_.one_in(one_in))
      return false;
    ++row.length;
    return true;
  }

 private:
  const HostileOptions options_;
  Random random_;
  HostileCounts counts_;
};

}  // namespace millrace::log::memory
