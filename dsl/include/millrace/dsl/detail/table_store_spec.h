// What the graph must know of a table's store.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>

#include "millrace/detail/graph_builder.h"
#include "millrace/detail/key_value_cells.h"
#include "millrace/detail/store_facts.h"
#include "millrace/detail/value_type.h"
#include "millrace/dsl/options.h"

namespace millrace::detail {

template <class K, class V>
graph::StoreSpec table_store_spec(std::string_view name, const Materialized<K, V>& options) {
  graph::StoreSpec spec;
  spec.name = name;
  spec.where = options.where;
  spec.kind = state::StoreKind::kTimestampedKeyValue;
  spec.key_type = &typeid(K);
  spec.value_type = &typeid(V);
  spec.key_serde = std::make_shared<const AnySerde<K>>(options.key_serde);
  spec.persistent = options.store == StoreKind::kPersistent;
  spec.logged = options.changelog == Changelog::kYes;
  spec.facts = state::store_facts(spec.kind, options.key_serde.type(), options.value_serde.type());
  spec.make = [name = spec.name, serde = options.value_serde](state::DiskTable* disk) {
    return std::unique_ptr<state::Store>(new state::KeyValueCells(
        name, state::StoreKind::kTimestampedKeyValue, state::value_type<V>(),
        std::unique_ptr<state::ValueCodec>(new state::SerdeValueCodec<V>(serde)), disk));
  };
  return spec;
}

// The same store with an order of its keys from its first entry on: a processor may scan it at any
// time, and must not wait then for a million keys to be sorted.
graph::StoreSpec scanned(graph::StoreSpec spec);

}  // namespace millrace::detail
