#include <random>

#include "abort/operators.h"

namespace millrace::testing {

namespace {

constexpr int kRecords = 66;

struct Nulls {
  bool in_keys;
  bool in_values;
};

// Two streams of records in one script where `other` has a topic: each third is of that one.
Script make(const std::string& other, Nulls nulls) {
  std::mt19937 random(17);  // the same script each time
  Script script;
  for (int i = 0; i < kRecords; ++i) {
    Input input;
    const bool of_other = !other.empty() && i % 3 == 0;
    input.topic = of_other ? other : "in";
    input.key = Bytes(1, static_cast<char>('a' + random() % 6));
    input.value = std::to_string(random() % 100);
    input.timestamp = 1000 + i * 10 + static_cast<int>(random() % 81) - 40;
    if (nulls.in_keys && i % 11 == 7) input.key = std::nullopt;
    if (nulls.in_values && i % 7 == 5) input.value = std::nullopt;
    if (i % 5 == 2) input.headers.add("n", std::to_string(i));
    script.push_back(std::move(input));
  }
  return script;
}

}  // namespace

Script stream_script() { return make("", {true, true}); }
Script full_script() { return make("", {false, false}); }
Script join_script() { return make("rows", {true, true}); }

std::vector<Operator> operators() {
  std::vector<Operator> all;
  for (const auto& some :
       {record_operators(), moving_operators(), stream_aggregates(), window_aggregates(),
        table_operators(), table_aggregates(), joins(), processors()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace millrace::testing
