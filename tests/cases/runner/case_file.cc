// Reads cases from JSON.
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cases/runner/case.h"

namespace millrace::cases {

namespace {

using Json = nlohmann::json;

Text to_text(const Json& json) { return json.is_null() ? Text() : Text(json.get<std::string>()); }

Function to_function(const Json& json) {
  std::vector<Function::Argument> arguments;
  for (std::size_t i = 1; i < json.size(); ++i) {
    if (json[i].is_number()) {
      arguments.push_back({json[i].dump(), json[i].get<std::int64_t>()});
    } else {
      arguments.push_back({json[i].get<std::string>(), 0});
    }
  }
  return {json.at(0).get<std::string>(), std::move(arguments)};
}

// What a window or a join's windows say: their type, where there is one, and times.
WindowsSpec to_windows(const Json& json) {
  WindowsSpec windows;
  for (const auto& [name, value] : json.items()) {
    if (value.is_string()) {
      windows.type = value.get<std::string>();
    } else {
      windows.times[name] = value.get<std::int64_t>();
    }
  }
  return windows;
}

void add_parameter(const std::string& name, const Json& value, Op::Parameters& parameters) {
  if (value.is_string()) {
    parameters.texts[name] = value.get<std::string>();
  } else if (value.is_boolean()) {
    parameters.flags[name] = value.get<bool>();
  } else if (value.is_number()) {
    parameters.numbers[name] = value.get<std::int64_t>();
  } else if (value.is_object()) {
    parameters.windows[name] = to_windows(value);
  } else if (name == "topics") {
    parameters.lists[name] = value.get<std::vector<std::string>>();
  } else if (value.empty() || value.front().is_array()) {
    auto& functions = parameters.function_lists[name];
    for (const Json& function : value) functions.push_back(to_function(function));
  } else {
    parameters.functions[name] = to_function(value);
  }
}

Op to_op(const Json& json) {
  Op op;
  for (const auto& [name, value] : json.items()) {
    if (name == "id") {
      op.id = value.get<std::string>();
    } else if (name == "op") {
      op.op = value.get<std::string>();
    } else if (name != "in") {
      add_parameter(name, value, op.parameters);
    } else if (value.is_string()) {
      op.in = {value.get<std::string>()};
    } else {
      op.in = value.get<std::vector<std::string>>();
    }
  }
  return op;
}

HeaderList to_headers(const Json& record) {
  HeaderList headers;
  if (!record.contains("headers")) return headers;
  for (const Json& header : record["headers"]) {
    headers.emplace_back(header.at(0).get<std::string>(), to_text(header.at(1)));
  }
  return headers;
}

InputStep to_step(const Json& json) {
  InputStep step;
  if (json.contains("advance_wall_clock_ms")) {
    step.advance_wall_clock_ms = json["advance_wall_clock_ms"].get<std::int64_t>();
    return step;
  }
  step.topic = json.at("topic").get<std::string>();
  step.key = to_text(json.at("key"));
  step.value = to_text(json.at("value"));
  step.timestamp = json.at("ts").get<std::int64_t>();
  step.headers = to_headers(json);
  return step;
}

OutputRecord to_output(const Json& json) {
  OutputRecord record;
  const Json& key = json.at("key");
  if (key.is_object()) {
    record.key = to_text(key.at("key"));
    record.window = {key.at("start").get<std::int64_t>(), key.at("end").get<std::int64_t>()};
  } else {
    record.key = to_text(key);
  }
  record.value = to_text(json.at("value"));
  record.timestamp = json.at("ts").get<std::int64_t>();
  record.headers = to_headers(json);
  record.at = json.at("at").get<std::int64_t>();
  return record;
}

ByteRecord to_byte_record(const Json& json) {
  ByteRecord record{to_text(json.at(0)), to_text(json.at(1))};
  if (!json.at(2).is_null()) record.timestamp = json.at(2).get<std::int64_t>();
  return record;
}

std::pair<Text, Text> to_pair(const Json& json) {
  return {to_text(json.at(0)), to_text(json.at(1))};
}

// kv [key, value]; timestamped_kv [key, value, ts]; window [key, start, end, value, ts]; session
// the same without ts. Other types are read as far as they can be compared: not at all.
StoreContent to_store(const Json& json) {
  StoreContent store;
  store.type = json.at("type").get<std::string>();
  for (const Json& row : json.at("entries")) {
    StoreEntry entry;
    entry.key = to_text(row.at(0));
    std::size_t next = 1;
    if (store.type == "window" || store.type == "session") {
      entry.window = {row.at(1).get<std::int64_t>(), row.at(2).get<std::int64_t>()};
      next = 3;
    }
    entry.value = to_text(row.at(next));
    if (row.size() > next + 1 && row.at(next + 1).is_number()) {
      entry.timestamp = row.at(next + 1).get<std::int64_t>();
    }
    store.entries.push_back(std::move(entry));
  }
  return store;
}

// One list per name.
template <class Convert>
auto to_lists(const Json& expect, const char* member, Convert convert) {
  using Element = decltype(convert(expect));
  Results::ByName<std::vector<Element>> lists;
  if (!expect.contains(member)) return lists;
  lists.emplace();
  for (const auto& [name, elements] : expect[member].items()) {
    auto& list = (*lists)[name];
    for (const Json& element : elements) list.push_back(convert(element));
  }
  return lists;
}

Results to_results(const Json& expect) {
  Results results;
  results.output = to_lists(expect, "output", to_output);
  results.peek = to_lists(expect, "peek", to_pair);
  results.output_bytes = to_lists(expect, "output_bytes", to_byte_record);
  results.changelogs = to_lists(expect, "changelogs", to_byte_record);
  results.repartition = to_lists(expect, "repartition", to_byte_record);
  if (expect.contains("stores")) {
    results.stores.emplace();
    for (const auto& [name, store] : expect["stores"].items()) {
      (*results.stores)[name] = to_store(store);
    }
  }
  if (expect.contains("dropped_records")) {
    results.dropped_records = expect["dropped_records"].get<std::int64_t>();
  }
  if (expect.contains("failure_at")) {
    results.failure_at = expect["failure_at"].get<std::int64_t>();
    results.failure = expect.value("failure", "");
  }
  return results;
}

Case to_case(const Json& json) {
  Case result;
  if (json.at("format") != 1) throw CaseError("is of format " + json.at("format").dump());
  result.name = json.at("name").get<std::string>();
  result.scope = json.at("scope").get<std::string>();
  result.note = json.value("note", "");
  result.tags = json.at("tags").get<std::set<std::string>>();
  if (json.contains("config")) {
    for (const auto& [name, value] : json["config"].items()) {
      result.config[name] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  }
  if (json.contains("unordered")) {
    result.unordered = json["unordered"].get<std::set<std::string>>();
  }
  for (const Json& op : json.at("topology")) result.topology.push_back(to_op(op));
  for (const Json& step : json.at("input")) result.input.push_back(to_step(step));
  result.expect = to_results(json.at("expect"));
  return result;
}

}  // namespace

Case parse_case(const std::string& json, const std::string& file) {
  try {
    Case result = to_case(Json::parse(json));
    result.file = file;
    return result;
  } catch (const std::exception& e) {
    throw CaseError(file + ": " + e.what());
  }
}

Case read_case(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw CaseError(file + ": cannot be read");
  return parse_case(std::string(std::istreambuf_iterator<char>(in), {}), file);
}

}  // namespace millrace::cases
