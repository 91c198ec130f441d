#include "cases/runner/stored_state.h"

#include <algorithm>
#include <map>

namespace millrace::cases {

namespace {

Text as_text(const Text& value) { return value; }
Text as_text(std::int64_t count) { return std::to_string(count); }

template <class V>
StoreContent key_value_content(TopologyTestDriver& driver, const std::string& name) {
  const auto store = driver.store(KeyValueStoreName<Text, V>(runtime(name)));
  StoreContent content{"timestamped_kv", {}};
  for (const auto& [key, value] : store.all()) {
    content.entries.push_back({.key = key,
                               .value = as_text(value),
                               .timestamp = to_ms(store.get_with_timestamp(key)->timestamp)});
  }
  return content;
}

StoreContent plain_content(TopologyTestDriver& driver, const std::string& name) {
  StoreContent content = key_value_content<Text>(driver, name);
  content.type = "kv";
  for (StoreEntry& entry : content.entries) entry.timestamp.reset();
  return content;
}

template <class V>
StoreContent window_content(TopologyTestDriver& driver, const std::string& name) {
  const auto store = driver.store(WindowStoreName<Text, V>(runtime(name)));
  StoreContent content{"window", {}};
  for (const auto& [key, value] : store.all()) {
    const auto entry = store.fetch_with_timestamp(key.key, key.window.start);
    content.entries.push_back({.key = key.key,
                               .window = {{to_ms(key.window.start), to_ms(key.window.end)}},
                               .value = as_text(value),
                               .timestamp = to_ms(entry->timestamp)});
  }
  return content;
}

StoreContent unsorted_content(TopologyTestDriver& driver, const std::string& name, StoreKind kind) {
  switch (kind) {
    case StoreKind::kTexts:
      return key_value_content<Text>(driver, name);
    case StoreKind::kPlainTexts:
      return plain_content(driver, name);
    case StoreKind::kCounts:
      return key_value_content<std::int64_t>(driver, name);
    case StoreKind::kWindowedTexts:
      return window_content<Text>(driver, name);
    case StoreKind::kWindowedCounts:
      return window_content<std::int64_t>(driver, name);
  }
  throw CaseError("store " + name + " is of no kind");
}

}  // namespace

StoreContent store_content(TopologyTestDriver& driver, const std::string& name, StoreKind kind) {
  StoreContent content = unsorted_content(driver, name, kind);
  std::sort(content.entries.begin(), content.entries.end());
  return content;
}

Text hex_text(const OptionalBytes& bytes) { return bytes ? Text(to_hex(*bytes)) : Text(); }

std::vector<ByteRecord> as_bytes(const std::vector<detail::RawTestRecord>& records) {
  std::vector<ByteRecord> all;
  for (const auto& record : records) {
    all.push_back({hex_text(record.key), hex_text(record.value), to_ms(record.timestamp)});
  }
  return all;
}

std::vector<ByteRecord> folded(const std::vector<detail::RawTestRecord>& changelog) {
  std::map<Text, ByteRecord> latest;
  for (const ByteRecord& record : as_bytes(changelog)) latest[record.key] = record;
  std::vector<ByteRecord> fold;
  for (const auto& [key, record] : latest) {
    if (record.value) fold.push_back(record);
  }
  return fold;
}

}  // namespace millrace::cases
