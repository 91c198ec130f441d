// WindowAggregateNode: count(), reduce() and aggregate() over tumbling and hopping windows: one
// aggregate per key and window in a window store (SEMANTICS R-W1 to R-W5). A table of Windowed<K>.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "millrace/detail/node_context.h"
#include "millrace/detail/window_cells.h"
#include "millrace/dsl/detail/aggregate_entry.h"
#include "millrace/dsl/detail/table_node.h"
#include "millrace/dsl/detail/table_store.h"
#include "millrace/dsl/detail/window_grid.h"
#include "millrace/windowed.h"

namespace millrace::detail {

// Null keys are dropped and counted; null values are aggregated, as in Kafka Streams (§6 Q7). A
// record that is late for a window is dropped for it, and counted once per window.
//
// What is late is decided by the greatest time that reached this operator: slot "<store>:t" of task
// memory, persisted, so that a restart judges as before.
template <class K, class V, class A, class Step>
class WindowAggregateNode final : public graph::Input<K, V>, public Lookup<Windowed<K>, A> {
 public:
  WindowAggregateNode(std::string store, AnySerde<K> key_serde, WindowGrid grid, Step step)
      : store_(std::move(store)),
        keys_(key_serde),
        lookup_keys_(std::move(key_serde)),
        grid_(grid),
        step_(std::move(step)) {}
  graph::Node* clone() const override { return new WindowAggregateNode(*this); }

  void init(graph::NodeContext& context) override {
    cells_ = static_cast<state::WindowCells*>(context.store(store_));
    memory_ = &context.memory();
    observed_ = memory_->add(store_ + ":t", state::Persisted::kYes);
    late_ = context.drop_counter(*this, graph::DropReason::kLate);
    if constexpr (Nullable<K>) {
      null_keys_ = context.drop_counter(*this, graph::DropReason::kNullKey);
    }
  }

  bool send_old_values() override {
    entry_.want_old_values();
    return true;
  }

  void process(const K& key, const V& value, const RecordContext& context) override {
    if (is_null(key)) return null_keys_.count();
    const std::int64_t time = to_ms(context.timestamp);
    const std::int64_t observed = memory_->raise(observed_, time);
    const BytesView key_bytes = keys_.write(key, context.key_bytes);
    result_key_.key = key;
    grid_.for_each_start(time, [&](std::int64_t start) {
      // A window that is open is readable, unless the observed time was lost and the store's was
      // not.
      if (grid_.is_closed(start, observed) || !cells_->readable(start)) return late_.count();
      update(key, value, key_bytes, start, context);
    });
  }

  typename Lookup<Windowed<K>, A>::Row find(const Windowed<K>& key, const KeyBytes&,
                                            std::optional<A>&) override {
    const state::Cell* cell =
        cells_->find(lookup_keys_.write(key.key, {}), to_ms(key.window.start));
    const A* value = state::value_in<A>(cell);
    if (value == nullptr) return {};
    return {value, cell->timestamp};
  }

 private:
  void update(const K& key, const V& value, BytesView key_bytes, std::int64_t start,
              const RecordContext& context) {
    RecordContext result = context.with_new_key();
    const Change<A> change =
        entry_.update(*cells_, cells_->at(key_bytes, start), result.timestamp,
                      [&](std::optional<A>& held) { step_(key, value, held); });
    result_key_.window = window_from(from_ms(start), Duration(grid_.size));
    this->forward(result_key_, change, result);
  }

  std::string store_;
  KeyWriter<K> keys_;
  KeyWriter<K> lookup_keys_;  // its own: look-ups come while the other's bytes are in use
  WindowGrid grid_;
  Step step_;
  AggregateEntry<A> entry_;
  Windowed<K> result_key_{};  // reused, so that a long key is not allocated for each record
  state::WindowCells* cells_ = nullptr;
  state::TaskMemory* memory_ = nullptr;
  state::MemorySlot observed_;
  graph::DropCounter late_;
  graph::DropCounter null_keys_;
};

}  // namespace millrace::detail
