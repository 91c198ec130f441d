// One run of an operator's topology over its script, in three parts. After the second part there is
// a transaction with its records in it: it is committed, or aborted first, or its worker dies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "abort/operators.h"

namespace millrace::testing {

enum class Fate {
  kCommit,
  kAbort,    // each transaction of the second part is aborted once
  kRestart,  // the worker dies; another restores its state from the changelogs
};

// What a run leaves behind. Records show as text: "key=value@timestamp {headers}".
struct Result {
  // By "topic-partition", in order, those that the engine deleted since included.
  std::map<std::string, std::vector<std::string>> records;
  // Of changelogs, by "topic-partition": the newest record of each key.
  std::map<std::string, std::map<std::string, std::string>> folds;
  std::map<std::string, std::int64_t> dropped;  // by "node/reason"

  friend bool operator==(const Result&, const Result&) = default;
};

struct OperatorRun {
  Result result;
  int aborts = 0;
  std::int64_t disk_reads = 0;
};

// How the records of the second part come to an operator that reads two topics. In pieces, it takes
// what is there although something earlier comes later; a replay must do the same. A worker that
// died left no word of that order. Between tasks there is none, so that operators that move records
// are given all at once.
enum class Arrival { kAtOnce, kInPieces };

// Where persistent stores lie. A seed: on a disk that applies late, and what it has leaves memory
// before each record and each commit, or a part of it. A restart finds what a crash left, or all.
// nullopt: in memory.
using Disk = std::optional<std::uint64_t>;

// The first part ends before record `first`, the second before record `second`.
OperatorRun run_operator(const Operator& op, std::size_t first, std::size_t second, Fate fate,
                         Arrival arrival, Disk disk = std::nullopt);

}  // namespace millrace::testing
