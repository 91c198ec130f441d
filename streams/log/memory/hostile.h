// The hostile switch of the memory log: what it does to its clients on purpose, and how often.
// Every fault is one that a real cluster may do at that moment, and faults come to an end: after
// `max_faults_in_row` of them one transactional id is left alone until a commit of it succeeds.
//
//   MemoryLog log(clock, {.hostile = HostileOptions::everything(seed)});
//   ...
//   EXPECT_GT(log.counts().fences, 0);
#pragma once

#include <cstdint>

#include "millrace/time.h"

namespace millrace::log::memory {

// "One in n": n = 0 means never, n = 1 always (within max_faults_in_row).
struct HostileOptions {
  std::uint64_t seed = 0;

  // Of a hundred things due, how many come up to eight steps later, in any order among independent
  // objects. Above 0 also: records arrive in pieces, markers are written after the commit was
  // answered, producers' buffers are small.
  int late_percent = 0;
  // Late things also wait this long, by the clock, at most. 0: lateness needs no clock to move.
  Duration late_by_at_most{0};

  int one_in_abort = 0;    // commit answered with kAbort; the transaction is open
  int one_in_fence = 0;    // an operation answered with kFenced; the transaction is aborted
  int one_in_unknown = 0;  // commit or abort answered with kUnknown; about half took effect
  int one_in_delivery_failure = 0;  // part of what was sent fails
  int one_in_init_failure = 0;      // init answered with kRetry
  int one_in_admin_failure = 0;     // an admin operation answered with kRetry, never twice in a row
  // At a producer's operation another member joins each group, takes some partitions (none of the
  // topics spared, MemoryLog::spare()) and leaves some steps after it got them.
  int one_in_revoke = 0;
  // At a producer's operation a member of each group is thrown out, and joins again.
  int one_in_lost = 0;

  int max_faults_in_row = 3;

  static HostileOptions everything(std::uint64_t seed) {
    return {.seed = seed,
            .late_percent = 40,
            .one_in_abort = 8,
            .one_in_fence = 12,
            .one_in_unknown = 10,
            .one_in_delivery_failure = 14,
            .one_in_init_failure = 8,
            .one_in_admin_failure = 10,
            .one_in_revoke = 16,
            .one_in_lost = 40};
  }

  bool is_hostile() const {
    return late_percent > 0 || one_in_abort > 0 || one_in_fence > 0 || one_in_unknown > 0 ||
           one_in_delivery_failure > 0 || one_in_init_failure > 0 || one_in_admin_failure > 0 ||
           one_in_revoke > 0 || one_in_lost > 0;
  }
};

// What happened. All but `commits` count what the hostile switch did, not what follows by itself.
struct HostileCounts {
  std::int64_t commits = 0;  // answered with success
  std::int64_t aborts = 0;
  std::int64_t fences = 0;
  std::int64_t unknown_outcomes = 0;
  std::int64_t unknown_committed = 0;  // those of them that took effect
  std::int64_t delivery_failures = 0;
  std::int64_t init_failures = 0;
  std::int64_t admin_failures = 0;
  std::int64_t revocations = 0;
  std::int64_t losses = 0;
  std::int64_t late = 0;
};

}  // namespace millrace::log::memory
