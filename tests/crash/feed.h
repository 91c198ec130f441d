// What goes into the crash topology: the same transactions for the same seed, each known by its number
// alone, so that a process that died goes on where its log ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace crash {

// What stands behind the amount of an order that makes a function throw: the joiner, when the order was
// already written down as taken; the last processor, when every store was changed for it.
inline constexpr const char* kFailsInJoin = "!join";
inline constexpr const char* kFailsInSessions = "!sessions";

struct FedRecord {
  std::string topic;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::int64_t timestamp = 0;
};

inline constexpr int kRecordsPerTransaction = 10;

// The number-th transaction, from 0. Records are numbered through all transactions; times are
// disordered, some by more than the grace; some customers are deleted, some orders have no key, some
// fail.
std::vector<FedRecord> transaction(std::uint64_t seed, std::int64_t number);

// Whether this transaction is first written and aborted, with other values.
bool is_aborted_first(std::uint64_t seed, std::int64_t number);

}  // namespace crash
