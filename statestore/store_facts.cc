#include "millrace/detail/store_facts.h"

#include <boost/core/demangle.hpp>

namespace millrace::state {

std::string_view to_string(StoreKind kind) {
  switch (kind) {
    case StoreKind::kKeyValue:
      return "key-value";
    case StoreKind::kTimestampedKeyValue:
      return "timestamped-key-value";
    case StoreKind::kWindow:
      return "window";
    case StoreKind::kTimestampedWindow:
      return "timestamped-window";
    case StoreKind::kSession:
      return "session";
  }
  return "unknown";
}

std::map<std::string, std::string> store_facts(StoreKind kind, const std::type_info& key_serde,
                                               const std::type_info& value_serde) {
  return {{"kind", std::string(to_string(kind))},
          {"key.serde", boost::core::demangle(key_serde.name())},
          {"value.serde", boost::core::demangle(value_serde.name())}};
}

std::map<std::string, std::string> store_facts(const SeriesSpec& spec,
                                               const std::type_info& key_serde,
                                               const std::type_info& value_serde) {
  auto facts = store_facts(spec.kind, key_serde, value_serde);
  facts.emplace("layout", "series");
  facts.emplace("retention.ms", std::to_string(to_ms(spec.retention)));
  if (spec.kind != StoreKind::kSession) {
    facts.emplace("window.size.ms", std::to_string(to_ms(spec.window_size)));
    facts.emplace("duplicates", spec.duplicates ? "yes" : "no");
  }
  return facts;
}

}  // namespace millrace::state
