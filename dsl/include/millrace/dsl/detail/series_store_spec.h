// What the graph must know of stores whose entries have any times: processors' stores of windows and
// of sessions.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "millrace/detail/graph_builder.h"
#include "millrace/detail/series_cells.h"
#include "millrace/detail/store_facts.h"
#include "millrace/detail/value_type.h"
#include "millrace/dsl/options.h"

namespace millrace::detail {

// `shape`: name, kind, times. Options: Materialized or MaterializedWindows.
template <class K, class V, class Options>
graph::StoreSpec series_store_spec(state::SeriesSpec shape, const Options& options) {
  graph::StoreSpec spec;
  spec.name = shape.name;
  spec.where = options.where;
  spec.cleanup = graph::ChangelogCleanup::kCompactDelete;
  spec.kind = shape.kind;
  spec.key_type = &typeid(K);
  spec.value_type = &typeid(V);
  spec.key_serde = std::make_shared<const AnySerde<K>>(options.key_serde);
  spec.persistent = options.store == StoreKind::kPersistent;
  spec.logged = options.changelog == Changelog::kYes;
  spec.facts = state::store_facts(shape, options.key_serde.type(), options.value_serde.type());
  spec.make = [shape = std::move(shape), serde = options.value_serde](state::DiskTable* disk) {
    return std::unique_ptr<state::Store>(new state::SeriesCells(
        shape, state::value_type<V>(),
        std::unique_ptr<state::ValueCodec>(new state::SerdeValueCodec<V>(serde)), disk));
  };
  return spec;
}

template <class K, class V>
graph::StoreSpec window_series_spec(std::string_view name, Duration size, Duration retention,
                                    const MaterializedWindows<K, V>& options) {
  return series_store_spec<K, V>(
      {std::string(name), state::StoreKind::kTimestampedWindow, size, retention}, options);
}

template <class K, class V>
graph::StoreSpec session_store_spec(std::string_view name, Duration retention,
                                    const Materialized<K, V>& options) {
  return series_store_spec<K, V>({std::string(name), state::StoreKind::kSession, {}, retention},
                                 options);
}

}  // namespace millrace::detail
