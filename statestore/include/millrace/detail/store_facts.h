// What a store on disk says of itself: the part that the store's own definition gives
// (disk_host.h, StoreIdentity).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <typeinfo>

#include "millrace/detail/series_cells.h"
#include "millrace/detail/store.h"

namespace millrace::state {

std::string_view to_string(StoreKind kind);  // "timestamped-key-value"

// The kind and the classes of the serdes, by name: "kind", "key.serde", "value.serde".
std::map<std::string, std::string> store_facts(StoreKind kind, const std::type_info& key_serde,
                                               const std::type_info& value_serde);

// The same of a series store, with its "layout", "retention.ms", and of windows "window.size.ms" and
// "duplicates".
std::map<std::string, std::string> store_facts(const SeriesSpec& spec,
                                               const std::type_info& key_serde,
                                               const std::type_info& value_serde);

}  // namespace millrace::state
