#include "millrace/detail/store_facts.h"

#include "type_name.h"

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
          {"key.serde", type_name(key_serde)},
          {"value.serde", type_name(value_serde)}};
}

}  // namespace millrace::state
