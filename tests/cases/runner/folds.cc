// Reducers, aggregators and joiners: functions of several values.
#include <algorithm>

#include "cases/runner/functions.h"

namespace millrace::cases {

namespace {

std::string joined(const Text& old, char sign, const Text& value, std::int64_t n) {
  return tail(show(old) + sign + show(value), n);
}

// Decimal aggregate ± the number of bytes.
Text add_length(const Text& aggregate, const Text& value, std::int64_t sign) {
  const auto length = static_cast<std::int64_t>(value.bytes_or("").size());
  return std::to_string(std::stoll(aggregate.bytes()) + sign * length);
}

std::vector<std::string> bag_elements(const Text& bag) {
  std::vector<std::string> elements;
  std::string element;
  for (const char c : bag.bytes()) {
    if (c == ',') {
      elements.push_back(std::move(element));
      element.clear();
    } else {
      element += c;
    }
  }
  return elements;
}

Text to_bag(std::vector<std::string> elements) {
  std::sort(elements.begin(), elements.end());
  std::string bag;
  for (const std::string& element : elements) bag += element + ',';
  return bag;
}

Text shown_sides(const Text& left, const Text& right, const std::string& between,
                 const std::string& absent) {
  return left.bytes_or(absent.c_str()) + between + right.bytes_or(absent.c_str());
}

[[noreturn]] void unknown(const char* kind, const Function& function) {
  throw UnknownWord(std::string(kind) + ' ' + function.name());
}

}  // namespace

std::string tail(const std::string& s, std::int64_t n) {
  const auto is_sign = [](char c) { return c == '+' || c == '-'; };
  if (std::count_if(s.begin(), s.end(), is_sign) <= n) return s;
  std::size_t begin = s.size();
  for (std::int64_t found = 0; found < n;) {
    --begin;
    if (is_sign(s[begin])) ++found;
  }
  return s.substr(begin);
}

Reducer reducer(const Function& f) {
  const std::string& name = f.name();
  if (name == "first") return [](const Text& old, const Text&) { return old; };
  if (name == "last") return [](const Text&, const Text& value) { return value; };
  if (name == "null") return [](const Text&, const Text&) { return Text(); };
  if (name == "max") {
    return [](const Text& old, const Text& value) { return value && value > old ? value : old; };
  }
  if (name == "min") {
    return [](const Text& old, const Text& value) { return value && value < old ? value : old; };
  }
  if (name == "concat" || name == "minus") {
    return [sign = name == "concat" ? '+' : '-', n = f.number(0)](
               const Text& old, const Text& value) { return Text(joined(old, sign, value, n)); };
  }
  if (name == "null_on") {
    return [a = Text(f.text(0)), n = f.number(1)](const Text& old, const Text& value) {
      return value == a ? Text() : Text(joined(old, '+', value, n));
    };
  }
  unknown("reducer", f);
}

Aggregator aggregator(const Function& f) {
  const std::string& name = f.name();
  if (name == "append" || name == "append_minus") {
    return [sign = name == "append" ? '+' : '-', n = f.number(0)](const Text&, const Text& value,
                                                                  const Text& aggregate) {
      return Text(joined(aggregate, sign, value, n));
    };
  }
  if (name == "append_key") {
    return [n = f.number(0)](const Text& key, const Text& value, const Text& aggregate) {
      return Text(tail(show(aggregate) + '+' + show(key) + '=' + show(value), n));
    };
  }
  if (name == "null_on") {
    return [a = Text(f.text(0)), n = f.number(1)](const Text&, const Text& value,
                                                  const Text& aggregate) {
      return value == a ? Text() : Text(joined(aggregate, '+', value, n));
    };
  }
  if (name == "sum_lengths" || name == "minus_lengths") {
    return [sign = name == "sum_lengths" ? 1 : -1](const Text&, const Text& value,
                                                   const Text& aggregate) {
      return add_length(aggregate, value, sign);
    };
  }
  if (name == "max") {
    return [](const Text&, const Text& value, const Text& aggregate) {
      return value && value > aggregate ? value : aggregate;
    };
  }
  if (name == "bag_add") {
    return [](const Text&, const Text& value, const Text& aggregate) {
      auto elements = bag_elements(aggregate);
      elements.push_back(show(value));
      return to_bag(std::move(elements));
    };
  }
  if (name == "bag_remove") {
    return [](const Text&, const Text& value, const Text& aggregate) {
      auto elements = bag_elements(aggregate);
      const auto found = std::find(elements.begin(), elements.end(), show(value));
      if (found != elements.end()) elements.erase(found);
      return to_bag(std::move(elements));
    };
  }
  unknown("aggregator", f);
}

Joiner joiner(const Function& f) {
  const std::string& name = f.name();
  if (name == "left") return [](const Text&, const Text& left, const Text&) { return left; };
  if (name == "right") return [](const Text&, const Text&, const Text& right) { return right; };
  if (name == "show") {
    const bool plain = f.size() == 0;
    return [between = plain ? "|" : f.text(0), absent = plain ? "-" : f.text(1)](
               const Text&, const Text& left, const Text& right) {
      return shown_sides(left, right, between, absent);
    };
  }
  if (name == "show_key") {
    return [](const Text& key, const Text& left, const Text& right) {
      return Text(key.bytes_or("-") + ':' + shown_sides(left, right, "|", "-").bytes());
    };
  }
  if (name == "null_if_right") {
    return [a = f.text(0)](const Text&, const Text& left, const Text& right) {
      if (right && right.bytes().starts_with(a)) return Text();
      return shown_sides(left, right, "|", "-");
    };
  }
  unknown("joiner", f);
}

}  // namespace millrace::cases
