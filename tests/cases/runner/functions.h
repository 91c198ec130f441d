// The functions that cases name: README.md §6 of tests/cases.
//
//   const Mapper upper = value_mapper({"upper", {}});
//   upper(Text(), Text("ab"));   // AB
//
// Each maker throws UnknownWord for a name that it does not know. What it returns is a value that
// may be copied and called anywhere.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "cases/runner/case.h"
#include "cases/runner/text.h"
#include "millrace/record.h"
#include "millrace/windowed.h"

namespace millrace::cases {

// An op, a parameter or a function that the runner cannot do yet: its case is skipped.
class UnknownWord : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

using TextPair = KeyValue<Text, Text>;

using Predicate = std::function<bool(const Text& key, const Text& value)>;
using Mapper = std::function<Text(const Text& key, const Text& value)>;
using WindowedKeyMapper = std::function<Text(const Windowed<Text>& key)>;
using FlatMapper = std::function<std::vector<TextPair>(const Text& key, const Text& value)>;
using FlatValueMapper = std::function<std::vector<Text>(const Text& value)>;
using Reducer = std::function<Text(const Text& old, const Text& value)>;
using Aggregator = std::function<Text(const Text& key, const Text& value, const Text& aggregate)>;
using Joiner = std::function<Text(const Text& key, const Text& left, const Text& right)>;

Predicate predicate(const Function& function);
Mapper value_mapper(const Function& function);
Mapper key_mapper(const Function& function);
WindowedKeyMapper windowed_key_mapper(const Function& function);
FlatMapper flat_mapper(const Function& function);
FlatValueMapper flat_value_mapper(const Function& function);
Reducer reducer(const Function& function);
Aggregator aggregator(const Function& function);
Joiner joiner(const Function& function);

// What they have in common. tail: the part of s that begins at the n-th + or - from its end; all of
// it if there are not more than n.
std::string show(const Text& text);
std::string tail(const std::string& s, std::int64_t n);

}  // namespace millrace::cases
