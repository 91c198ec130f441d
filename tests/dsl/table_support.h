// What tests of tables share.
#pragma once

#include <millrace/dsl.h>

#include <optional>
#include <string>
#include <utility>

#include "dsl/trace.h"
#include "millrace/key_value_store.h"

namespace millrace::testing {

using TextTable = KTable<std::string, Text>;

// The table of a topic; without a store name it is kept only where something needs it.
inline TextTable text_table(StreamsBuilder& builder, const std::string& topic,
                            const char* store = nullptr) {
  if (store == nullptr) return builder.table<std::string, Text>(topic);
  return builder.table<std::string, Text>(topic, runtime(store));
}

// The changes of a table, as text, in topic "o".
template <class V>
void show(const KTable<std::string, V>& table, const char* topic = "o") {
  if constexpr (std::same_as<V, Text>) {
    table.to_stream().to(topic);
  } else {
    table.map_values([](const V& value) { return std::to_string(value); }).to_stream().to(topic);
  }
}

inline bool is_even(const Text& text) { return std::stoi(text.chars) % 2 == 0; }
inline std::string first_letter(const Text& text) { return text.chars.substr(0, 1); }

// What a store of texts holds for a key, as "value@ts".
inline std::string row_in(FakeTask& task, const char* store, const std::string& key) {
  auto* cells = static_cast<state::KeyValueCells*>(task.store(store));
  if (cells == nullptr) return "no such store";
  ReadOnlyKeyValueStore<std::string, Text> view(*cells, Serde<std::string>());
  const auto row = view.get_with_timestamp(key);
  return row ? row->value.chars + '@' + std::to_string(to_ms(row->timestamp)) : "none";
}

}  // namespace millrace::testing
