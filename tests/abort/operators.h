// The registry of operators that must not show an abort. Every method of the public handles has an
// entry, named after it (check_registry.py compares): a small topology and a script of input for
// it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "millrace/bytes.h"
#include "millrace/dsl.h"
#include "millrace/headers.h"

namespace millrace::testing {

struct Input {
  std::string topic;
  OptionalBytes key;
  OptionalBytes value;
  std::int64_t timestamp = 0;
  Headers headers = {};
};
using Script = std::vector<Input>;

// Names read "KTable::filter" or "KTable::filter, kept": the method, and after a comma which form.
struct Operator {
  std::string name;
  std::function<void(StreamsBuilder&)> build;
  std::function<Script()> script;
  // How far the wall clock goes on between two records. A restart is not compared then: schedules by
  // the wall clock begin anew with it (SEMANTICS R-P2).
  Duration tick{};
};

std::vector<Operator> record_operators();
std::vector<Operator> moving_operators();
std::vector<Operator> stream_aggregates();
std::vector<Operator> window_aggregates();
std::vector<Operator> table_operators();
std::vector<Operator> table_aggregates();
std::vector<Operator> joins();
std::vector<Operator> processors();

// All of them.
std::vector<Operator> operators();

// --- scripts -------------------------------------------------------------------------------------

// Records of topic "in": six keys, numbers as values, times in disorder up to 40 ms, now and then a
// null key, a null value, a header.
Script stream_script();
// The same without nulls.
Script full_script();
// The same, and every third record is one of topic "rows" instead.
Script join_script();

// --- callables of the topologies -----------------------------------------------------------------

inline std::int64_t number(const std::string& value) { return std::stoll(value); }
inline bool is_even(const std::string& value) { return number(value) % 2 == 0; }

}  // namespace millrace::testing
