#include "cases/runner/compare.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

#include "cases/runner/show.h"

namespace millrace::cases {

namespace {

template <class T>
std::string shown_at(const std::vector<T>& list, std::size_t i) {
  return i < list.size() ? show_record(list[i]) : "nothing";
}

template <class T>
bool matches(const T& expected, const T& actual) {
  return expected == actual;
}
bool matches(const ByteRecord& expected, const ByteRecord& actual) {
  const bool at_its_time = !expected.timestamp || expected.timestamp == actual.timestamp;
  return expected.key == actual.key && expected.value == actual.value && at_its_time;
}

// The first index at which the lists differ.
template <class T>
std::optional<std::size_t> mismatch(const std::vector<T>& expected, const std::vector<T>& actual) {
  const std::size_t n = std::max(expected.size(), actual.size());
  for (std::size_t i = 0; i < n; ++i) {
    if (i >= expected.size() || i >= actual.size() || !matches(expected[i], actual[i])) return i;
  }
  return std::nullopt;
}

template <class T>
std::optional<Difference> compare_lists(const std::string& what, const std::vector<T>& expected,
                                        const std::vector<T>& actual) {
  const auto i = mismatch(expected, actual);
  if (!i) return std::nullopt;
  return Difference{what + '[' + std::to_string(*i) + ']', shown_at(expected, *i),
                    shown_at(actual, *i)};
}

template <class T>
using Lists = std::map<std::string, std::vector<T>>;

template <class T>
std::set<std::string> names_in(const std::map<std::string, T>& a,
                               const std::map<std::string, T>& b) {
  std::set<std::string> names;
  for (const auto& [name, list] : a) names.insert(name);
  for (const auto& [name, list] : b) names.insert(name);
  return names;
}

template <class T>
const T& get(const std::map<std::string, T>& all, const std::string& name) {
  static const T empty;
  const auto found = all.find(name);
  return found == all.end() ? empty : found->second;
}

// A list that is missing equals one that is empty.
template <class T>
std::optional<Difference> compare_named(const std::string& kind,
                                        const std::optional<Lists<T>>& expected,
                                        const std::optional<Lists<T>>& actual) {
  if (!expected) return std::nullopt;
  const Lists<T> none;
  const Lists<T>& there = actual ? *actual : none;
  for (const std::string& name : names_in(*expected, there)) {
    if (auto found = compare_lists(kind + ' ' + name, get(*expected, name), get(there, name))) {
      return found;
    }
  }
  return std::nullopt;
}

// --- output
// -----------------------------------------------------------------------------------------

// As a multiset of key, value and time.
std::vector<OutputRecord> unordered(std::vector<OutputRecord> records) {
  for (OutputRecord& record : records) {
    record.at = 0;
    record.headers.clear();
  }
  std::sort(records.begin(), records.end());
  return records;
}

std::vector<OutputRecord> without_at(std::vector<OutputRecord> records) {
  for (OutputRecord& record : records) record.at = 0;
  return records;
}

class OutputComparison {
 public:
  OutputComparison(const Case& c, const CompareOptions& options) : case_(c), options_(options) {}

  // Of all topics the difference that shows first.
  std::optional<Difference> compare(const Lists<OutputRecord>& expected,
                                    const Lists<OutputRecord>& actual) const {
    std::optional<Difference> first;
    for (const std::string& topic : names_in(expected, actual)) {
      auto found = compare_topic(topic, get(expected, topic), get(actual, topic));
      if (found && (!first || found->at.value_or(-1) < first->at.value_or(-1))) first = found;
    }
    return first;
  }

 private:
  std::optional<Difference> compare_topic(const std::string& topic,
                                          std::vector<OutputRecord> expected,
                                          std::vector<OutputRecord> actual) const {
    const bool sorted = case_.unordered.contains(topic) || options_.unordered.contains(topic);
    if (sorted) {
      expected = unordered(std::move(expected));
      actual = unordered(std::move(actual));
    }
    const auto i = options_.at ? mismatch(expected, actual)
                               : mismatch(without_at(expected), without_at(actual));
    if (!i) return std::nullopt;
    Difference difference{"output " + topic + '[' + std::to_string(*i) + ']',
                          shown_at(expected, *i), shown_at(actual, *i)};
    if (sorted) return difference;
    for (const auto* records : {&expected, &actual}) {
      if (*i >= records->size() || (*records)[*i].at < 0) continue;
      const std::int64_t at = (*records)[*i].at;
      difference.at = std::min(at, difference.at.value_or(at));
    }
    return difference;
  }

  const Case& case_;
  const CompareOptions& options_;
};

// --- stores and changelogs
// ----------------------------------------------------------------------------

std::optional<Difference> compare_stores(const Results& expected, const Results& actual) {
  if (!expected.stores) return std::nullopt;
  for (const auto& [name, store] : *expected.stores) {
    const auto found = actual.stores->find(name);
    if (found == actual.stores->end()) return Difference{"store " + name, store.type, "no store"};
    if (found->second.type != store.type) {
      return Difference{"store " + name, store.type, found->second.type};
    }
    if (auto d = compare_lists("store " + name, store.entries, found->second.entries)) return d;
  }
  return std::nullopt;
}

// The key of a window's row in a changelog: key, start, sequence number.
std::string window_row_key(const Text& key, std::int64_t start) {
  return to_hex(key.bytes()) + hex_of(start, 8) + hex_of(0, 4);
}

// Rows of this changelog that may be missing: windows that a read does not show any more. nullopt:
// it is none of a window store.
std::optional<std::set<std::string>> shown_rows(const Results& expected,
                                                const std::string& changelog) {
  if (!expected.stores) return std::nullopt;
  for (const auto& [name, store] : *expected.stores) {
    if (store.type != "window" || !changelog.ends_with('-' + name + "-changelog")) continue;
    std::set<std::string> rows;
    for (const StoreEntry& entry : store.entries) {
      rows.insert(window_row_key(entry.key, entry.window->start));
    }
    return rows;
  }
  return std::nullopt;
}

// Without the rows that may be missing, where they are missing.
std::vector<ByteRecord> required_rows(const std::vector<ByteRecord>& expected,
                                      const std::vector<ByteRecord>& actual,
                                      const std::set<std::string>& shown) {
  std::set<Text> there;
  for (const ByteRecord& row : actual) there.insert(row.key);
  std::vector<ByteRecord> required;
  for (const ByteRecord& row : expected) {
    if (shown.contains(row.key.bytes_or("")) || there.contains(row.key)) required.push_back(row);
  }
  return required;
}

std::optional<Difference> compare_changelogs(const Results& expected, const Results& actual) {
  if (!expected.changelogs) return std::nullopt;
  for (const std::string& name : names_in(*expected.changelogs, *actual.changelogs)) {
    std::vector<ByteRecord> rows = get(*expected.changelogs, name);
    const std::vector<ByteRecord>& there = get(*actual.changelogs, name);
    if (const auto shown = shown_rows(expected, name)) rows = required_rows(rows, there, *shown);
    if (auto found = compare_lists("changelog " + name, rows, there)) return found;
  }
  return std::nullopt;
}

std::optional<Difference> compare_numbers(const std::string& what,
                                          std::optional<std::int64_t> expected,
                                          std::optional<std::int64_t> actual) {
  if (!expected || expected == actual) return std::nullopt;
  return Difference{what, std::to_string(*expected),
                    actual ? std::to_string(*actual) : std::string("nothing")};
}

// The application stopped at another step, or where it should not.
std::optional<Difference> compare_failure(const Results& expected, const Results& actual) {
  if (expected.failure_at == actual.failure_at) return std::nullopt;
  const auto told = [](const Results& results) {
    if (!results.failure_at) return std::string("goes on");
    return "stops at step " + std::to_string(*results.failure_at) + ": " + results.failure;
  };
  return Difference{"the application", told(expected), told(actual), actual.failure_at};
}

}  // namespace

std::optional<Difference> first_difference(const Case& c, const Results& actual,
                                           const CompareOptions& options) {
  const Results& expected = c.expect;
  // What came out before a failure tells more than the failure, unless the failure is the
  // difference.
  if (auto found = compare_failure(expected, actual)) return found;
  if (expected.output) {
    const OutputComparison outputs(c, options);
    if (auto found = outputs.compare(*expected.output, *actual.output)) return found;
  }
  if (actual.failure_at) return std::nullopt;
  if (auto found = compare_named("peek", expected.peek, actual.peek)) return found;
  if (auto found = compare_named("bytes of", expected.output_bytes, actual.output_bytes)) {
    return found;
  }
  if (auto found = compare_named("topic", expected.repartition, actual.repartition)) return found;
  if (auto found = compare_stores(expected, actual)) return found;
  if (auto found = compare_changelogs(expected, actual)) return found;
  return compare_numbers("dropped records", expected.dropped_records, actual.dropped_records);
}

}  // namespace millrace::cases
