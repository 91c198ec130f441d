// A case as data: a topology, what goes into it and what Kafka Streams made of it. The format is
// described in tests/cases/README.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cases/runner/text.h"

namespace millrace::cases {

// A case that makes no sense, whatever the library can do.
class CaseError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A function by its name, with its arguments: ["append", "x"], ["concat", 9].
class Function {
 public:
  using Argument = std::pair<std::string, std::int64_t>;  // a text, or a number

  Function() = default;
  Function(std::string name, std::vector<Argument> arguments)
      : name_(std::move(name)), arguments_(std::move(arguments)) {}

  const std::string& name() const { return name_; }
  std::size_t size() const { return arguments_.size(); }

  // Errors: CaseError if there is no such argument.
  const std::string& text(std::size_t i) const { return argument(i).first; }
  std::int64_t number(std::size_t i) const { return argument(i).second; }
  std::vector<std::string> texts() const;

 private:
  const Argument& argument(std::size_t i) const;

  std::string name_;
  std::vector<Argument> arguments_;
};

struct WindowsSpec {
  std::string type;
  std::map<std::string, std::int64_t> times;  // size_ms, advance_ms, grace_ms, …

  // Errors: CaseError if it is not there.
  std::int64_t time(const std::string& name) const;
};

// One op of a topology. Its parameters are taken by name: what nobody took is unknown.
class Op {
 public:
  std::string id;
  std::string op;
  std::vector<std::string> in;

  struct Parameters {
    std::map<std::string, std::string> texts;
    std::map<std::string, std::int64_t> numbers;
    std::map<std::string, bool> flags;
    std::map<std::string, std::vector<std::string>> lists;
    std::map<std::string, Function> functions;
    std::map<std::string, std::vector<Function>> function_lists;
    std::map<std::string, WindowsSpec> windows;
  };
  Parameters parameters;

  // Errors of all but the optional ones: CaseError if the parameter is missing.
  const std::string& text(const std::string& name) const;
  std::optional<std::string> optional_text(const std::string& name) const;
  std::optional<std::int64_t> optional_number(const std::string& name) const;
  bool flag(const std::string& name) const;  // false if it is missing
  const std::vector<std::string>& list(const std::string& name) const;
  const Function& function(const std::string& name) const;
  bool has_function(const std::string& name) const;
  const std::vector<Function>& functions(const std::string& name) const;
  const WindowsSpec& windows(const std::string& name) const;

  // Parameters that were not asked for.
  std::vector<std::string> not_taken() const;

 private:
  template <class T>
  const T* find(const std::map<std::string, T>& all, const std::string& name) const;
  template <class T>
  const T& require(const std::map<std::string, T>& all, const std::string& name) const;

  mutable std::set<std::string> taken_;
};

using HeaderList = std::vector<std::pair<std::string, Text>>;

struct InputStep {
  std::string topic = {};
  Text key = {};
  Text value = {};
  std::int64_t timestamp = 0;
  HeaderList headers = {};
  std::optional<std::int64_t> advance_wall_clock_ms = std::nullopt;  // then nothing else
};

// --- results
// --------------------------------------------------------------------------------------

struct WindowBounds {
  std::int64_t start = 0;
  std::int64_t end = 0;
  friend auto operator<=>(const WindowBounds&, const WindowBounds&) = default;
};

struct OutputRecord {
  Text key = {};
  std::optional<WindowBounds> window = std::nullopt;  // of a windowed key
  Text value = {};
  std::int64_t timestamp = 0;
  HeaderList headers = {};
  std::int64_t at = 0;  // the input step during which it appeared

  friend auto operator<=>(const OutputRecord&, const OutputRecord&) = default;
};

// A record as it lies in a topic; bytes as hexadecimal digits.
struct ByteRecord {
  Text key = {};
  Text value = {};
  std::optional<std::int64_t> timestamp = std::nullopt;  // absent in an expectation: any

  friend auto operator<=>(const ByteRecord&, const ByteRecord&) = default;
};

struct StoreEntry {
  Text key = {};
  std::optional<WindowBounds> window = std::nullopt;
  Text value = {};
  std::optional<std::int64_t> timestamp = std::nullopt;  // where the store keeps one

  friend auto operator<=>(const StoreEntry&, const StoreEntry&) = default;
};

struct StoreContent {
  std::string type;  // kv, timestamped_kv, window, …
  std::vector<StoreEntry> entries;

  friend bool operator==(const StoreContent&, const StoreContent&) = default;
};

// What Kafka Streams made of a case, or what millrace made of it. In an expectation a member that
// is absent is not compared.
struct Results {
  using KeysAndValues = std::vector<std::pair<Text, Text>>;
  template <class T>
  using ByName = std::optional<std::map<std::string, T>>;

  ByName<std::vector<OutputRecord>> output;
  ByName<KeysAndValues> peek;
  ByName<std::vector<ByteRecord>> output_bytes;
  ByName<StoreContent> stores;
  ByName<std::vector<ByteRecord>> changelogs;  // folded, without tombstones, sorted by key
  ByName<std::vector<ByteRecord>> repartition;
  std::optional<std::int64_t> dropped_records;
  std::optional<std::int64_t> failure_at;  // the application stopped at this input step
  std::string failure;
};

struct Case {
  std::string file;
  std::string name;
  std::string scope;
  std::string note;
  std::set<std::string> tags;
  std::map<std::string, std::string> config;
  std::set<std::string> unordered;  // output topics
  std::vector<Op> topology;
  std::vector<InputStep> input;
  Results expect;
};

// Errors: CaseError, with the file's name, if it cannot be read or has another format.
Case read_case(const std::string& file);

// The same from the text of a file; for tests.
Case parse_case(const std::string& json, const std::string& file);

}  // namespace millrace::cases
