// What the graph must know of the store of a windowed aggregate.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>

#include "millrace/detail/graph_builder.h"
#include "millrace/detail/store_facts.h"
#include "millrace/detail/value_type.h"
#include "millrace/detail/window_cells.h"
#include "millrace/dsl/detail/handle.h"
#include "millrace/dsl/options.h"
#include "millrace/dsl/windows.h"

namespace millrace::detail {

template <class K, class A>
graph::StoreSpec window_store_spec(std::string_view name, Duration size, Duration retention,
                                   const MaterializedWindows<K, A>& options) {
  graph::StoreSpec spec;
  spec.name = name;
  spec.where = options.where;
  spec.cleanup = graph::ChangelogCleanup::kCompactDelete;
  spec.kind = state::StoreKind::kTimestampedWindow;
  spec.key_type = &typeid(K);
  spec.value_type = &typeid(A);
  spec.key_serde = std::make_shared<const AnySerde<K>>(options.key_serde);
  spec.persistent = options.store == StoreKind::kPersistent;
  spec.logged = options.changelog == Changelog::kYes;
  spec.facts = state::store_facts(spec.kind, options.key_serde.type(), options.value_serde.type());
  spec.facts.emplace("layout", "grid");
  spec.facts.emplace("window.size.ms", std::to_string(to_ms(size)));
  spec.facts.emplace("retention.ms", std::to_string(to_ms(retention)));
  spec.make = [name = spec.name, size, retention,
               serde = options.value_serde](state::DiskTable* disk) {
    return std::unique_ptr<state::Store>(new state::WindowCells(
        name, size, retention, state::value_type<A>(),
        std::unique_ptr<state::ValueCodec>(new state::SerdeValueCodec<A>(serde)), disk));
  };
  return spec;
}

// Effect: notes what is wrong with the windows, for build().
void report_mistakes(const Handle& place, const TimeWindows& windows, Duration retention);

}  // namespace millrace::detail
