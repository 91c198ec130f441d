// What the graph itself costs: one record through a chain of ten operators, without decoding,
// stores, sinks or a log. Promised: at most 10 ns per operator and record, and no allocation.
//
//   node_chain_bench                  # prints ns_per_operator and allocations_per_record
//
// The string chain copies a short string in each of its five map_values(): that is the user's work,
// and is in the number. Times are of the processor, so that a busy machine does not show.
#include <benchmark/benchmark.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/detail/graph_builder.h"
#include "millrace/detail/source_node.h"
#include "millrace/dsl/detail/stream_nodes.h"
#include "task/task_graph.h"
#include "topology/built_graph.h"

namespace {
std::atomic<std::int64_t> allocations{0};

void* counted(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

// The array and nothrow forms call these.
void* operator new(std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace millrace::graph {
namespace {

using Key = std::string;

template <class V>
struct Work;  // what the chain's callables do

template <>
struct Work<std::int64_t> {
  static std::int64_t value() { return 41; }
  static std::int64_t change(std::int64_t v) { return v + 1; }
  static bool keep(std::int64_t v) { return v != 0; }
};

template <>
struct Work<std::string> {
  static std::string value() { return "forty-one"; }
  static std::string change(const std::string& v) {
    std::string changed = v;
    changed.front() ^= 1;
    return changed;
  }
  static bool keep(const std::string& v) { return !v.empty(); }
};

// Stands where a task would: none of these nodes asks it for anything.
class NoTask final : public NodeContext {
 public:
  TaskId task_id() const override { return {}; }
  state::Store* store(std::string_view) override { return nullptr; }
  state::TaskMemory& memory() override { return memory_; }
  RecordCollector& collector() override { throw std::logic_error("a chain without sinks"); }
  SinkTarget sink(std::string_view) override { return {}; }
  Node& node(NodeId) override { throw std::logic_error("a chain without look-ups"); }

 private:
  state::TaskMemory memory_;
};

double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

constexpr int kOperators = 10;
constexpr std::int64_t kKeySize = 16;

enum class Chain { kValues, kKeys };

// source → (map_values, filter) four times → map_values → for_each; or select_key for map_values
template <class V, Chain kChain>
BuiltGraph make_chain(std::int64_t& sum) {
  GraphBuilder builder;
  NodeId last = builder.add_source(
      {"stream", {}, {}}, {"in"},
      new SourceNode<Key, V>({default_serde<Key>(), default_serde<V>(), {}, {}}));
  const auto add = [&](const Node* node) {
    last = builder.add_processor({"chain", {}, {}}, {last}, node);
  };
  for (int i = 0; i < kOperators / 2; ++i) {
    if constexpr (kChain == Chain::kValues) {
      const auto change = [](const V& value) { return Work<V>::change(value); };
      add(new millrace::detail::MapValuesNode<Key, V, V, decltype(change)>(change));
    } else {
      const auto choose = [](const Key& key, const V&) -> const Key& { return key; };
      add(new millrace::detail::SelectKeyNode<Key, V, Key, decltype(choose)>(choose));
    }
    if (i + 1 == kOperators / 2) break;
    const auto keep = [](const V& value) { return Work<V>::keep(value); };
    add(new millrace::detail::FilterNode<Key, V, decltype(keep)>(keep, true));
  }
  const auto consume = [&sum](const Key& key, const V&) {
    sum += static_cast<std::int64_t>(key.size());
  };
  add(new millrace::detail::PeekNode<Key, V, decltype(consume)>(consume));
  return BuiltGraph(std::move(builder));
}

template <class V, Chain kChain>
void BM_Chain(benchmark::State& state) {
  std::int64_t sum = 0;
  const BuiltGraph graph = make_chain<V, kChain>(sum);
  NoTask task_context;
  task::TaskGraph nodes(graph, graph.subtopologies().front());
  nodes.build(task_context);
  const std::unique_ptr<SourceSlot> slot = nodes.source("in").make_slot();

  Bytes value;
  default_serde<V>().serialize(Work<V>::value(), value);
  const RecordView record{"a-key-of-16-char", value, from_ms(1), Offset(0)};
  RecordContext context{"in", Partition(0), Offset(0), from_ms(1), &Headers::none(), {}};
  if (slot->decode(record, context, kNoTimestamp) != SourceSlot::Decoded::kReady) std::abort();

  slot->process(context);
  const std::int64_t allocations_before = allocations.load();
  const double began = cpu_ns();
  for (auto _ : state) slot->process(context);
  const double took = cpu_ns() - began;
  const std::int64_t allocated = allocations.load() - allocations_before;

  if (sum != kKeySize * (static_cast<std::int64_t>(state.iterations()) + 1)) {
    state.SkipWithError("records were lost");
  }
  const auto records = static_cast<double>(state.iterations());
  state.counters["ns_per_operator"] = took / records / kOperators;
  state.counters["allocations_per_record"] = static_cast<double>(allocated) / records;
}
BENCHMARK_TEMPLATE(BM_Chain, std::int64_t, Chain::kValues);
BENCHMARK_TEMPLATE(BM_Chain, std::string, Chain::kValues);
BENCHMARK_TEMPLATE(BM_Chain, std::int64_t, Chain::kKeys);

}  // namespace
}  // namespace millrace::graph

BENCHMARK_MAIN();
