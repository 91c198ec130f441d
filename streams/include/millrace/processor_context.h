// What a processor is given to work with: context().
//
//   void init() override {
//     last_seen_ = &context().store(kLastSeen);
//     context().schedule(10min, PunctuationType::kWallClockTime, [this](Timestamp now) { sweep(now); });
//   }
//   void process(const Record<std::string, Payment>& payment) override {
//     context().forward(payment.key, Alert{"too-much"}, {.to = "alerts"});
//   }
//
// Belongs to one task; not thread-safe. What init() asks it for lasts as long as the processor.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/detail/node.h"
#include "millrace/detail/node_context.h"
#include "millrace/detail/processor_host.h"
#include "millrace/headers.h"
#include "millrace/ids.h"
#include "millrace/key_value_store.h"
#include "millrace/punctuation.h"
#include "millrace/record.h"
#include "millrace/session_store.h"
#include "millrace/store_name.h"
#include "millrace/window_store.h"

namespace millrace {

// What forward() sends otherwise than as the record at hand has it.
struct Forward {
  // Left out: that of the record at hand; in a punctuation the punctuation's time.
  std::optional<Timestamp> timestamp = {};
  // Left out: those of the record at hand; in a punctuation none.
  std::optional<Headers> headers = {};
  // The name of the one child that gets the record; left out: all, in the order in which they were
  // added (SEMANTICS R-F1).
  std::string_view to = {};
};

// Where the record at hand lies. Lifetime of `topic`: the call.
struct RecordMetadata {
  std::string_view topic;  // full name
  Partition partition;
  Offset offset;

  friend bool operator==(const RecordMetadata&, const RecordMetadata&) = default;
};

namespace detail {
// What build() was told of a processor.
struct ProcessorSetup {
  std::vector<std::string> stores;  // that it may open
  bool named = false;               // by the user, not after its place in the program
};
}  // namespace detail

// What does not depend on the types that a processor forwards.
class ProcessorContextBase {
 public:
  ProcessorContextBase() = default;
  ProcessorContextBase(const ProcessorContextBase&) = delete;
  ProcessorContextBase& operator=(const ProcessorContextBase&) = delete;

  // The store of this name, to read and write; the same object each time. Call it in init().
  // Errors: TopologyError where the processor was not connected to it (Processed.stores), or the
  // store has other types.
  template <class K, class V>
  KeyValueStore<K, V>& store(KeyValueStoreName<K, V> name) {
    return opened<KeyValueStore<K, V>, state::KeyValueCells, K, V>(name.view());
  }
  template <class K, class V>
  WindowStore<K, V>& store(WindowStoreName<K, V> name) {
    return opened<WindowStore<K, V>, state::AnyWindowCells, K, V>(name.view());
  }

  template <class K, class V>
  SessionStore<K, V>& store(SessionStoreName<K, V> name) {
    return opened<SessionStore<K, V>, state::SeriesCells, K, V>(name.view());
  }

  // Effect: calls f(time) now and then: see PunctuationType. In init() the schedule is the task's for
  // good: an abort takes its calls back, and one of stream time goes on after a restart where it was.
  // Schedules made elsewhere end with an abort, a record that fails, or a restart, and so do
  // cancellations with a restart.
  // Errors: std::invalid_argument if the interval is below 1 ms; TopologyError for a schedule of
  // stream time in init() of a processor without a name, under which it could be found again.
  Cancellable schedule(Duration interval, PunctuationType type, graph::Punctuator f);

  // Effect: a commit soon, at most every 30 ms, without waiting for the commit interval.
  void commit();

  // Where the record at hand comes from: nullopt in init(), in a punctuation and in close().
  std::optional<RecordMetadata> record_metadata() const;

  // Greatest timestamp of any record that the task took, whatever its topic (SEMANTICS R-T1);
  // kNoTimestamp before the first.
  Timestamp current_stream_time() const;

  // The wall clock, read once for many records. A record that is processed again after an abort is
  // told the same.
  Timestamp current_system_time() const;

  TaskId task_id() const;
  std::string_view application_id() const;

 protected:
  // The engine's side.
  void begin(graph::Node& node, graph::NodeContext& task, const detail::ProcessorSetup& setup);
  void end();
  const std::vector<graph::Node*>& children() const { return node_->children(); }
  graph::Node& child(std::string_view name) const;

  // While one of these lives, the record (nullptr: a punctuation) is at hand.
  class AtHand {
   public:
    AtHand(ProcessorContextBase& context, const RecordContext& record, const void* key)
        : context_(context) {
      context.at_hand_ = &record;
      context.key_ = key;
      context.write_time_ = record.timestamp;
    }
    ~AtHand() {
      context_.at_hand_ = nullptr;
      context_.key_ = nullptr;
    }
    AtHand(const AtHand&) = delete;
    AtHand& operator=(const AtHand&) = delete;

   private:
    ProcessorContextBase& context_;
  };

  // What travels beside a record that is forwarded now. Errors: std::logic_error in init() and
  // close(), std::invalid_argument where the timestamp is negative.
  RecordContext outgoing(const Forward& how) const;
  // The same for a processor that must keep this key. Errors: also std::logic_error where it is not
  // that of the record at hand.
  RecordContext outgoing(const Forward& how, const void* key) const;

  template <class K, class V>
  void send(const K& key, const V& value, const RecordContext& context, std::string_view to) {
    if (!to.empty()) return graph::Node::deliver(child(to), key, value, context);
    for (graph::Node* one : children()) graph::Node::deliver(*one, key, value, context);
  }

 private:
  struct View {
    std::string store;
    std::shared_ptr<void> view;
  };

  graph::OpenedStore open(std::string_view name, const std::type_info& key,
                          const std::type_info& value) const;
  [[noreturn]] void fail_on_kind(std::string_view name) const;

  template <class Store, class Cells, class K, class V>
  Store& opened(std::string_view name) {
    for (const View& view : views_) {
      if (view.store == name) return *static_cast<Store*>(view.view.get());
    }
    const graph::OpenedStore store = open(name, typeid(K), typeid(V));
    auto* cells = dynamic_cast<Cells*>(store.cells);
    if (cells == nullptr) fail_on_kind(name);
    auto view = std::make_shared<Store>(*cells, *static_cast<const AnySerde<K>*>(store.key_serde),
                                        write_time_);
    views_.push_back({std::string(name), view});
    return *view;
  }

  graph::Node* node_ = nullptr;
  graph::NodeContext* task_ = nullptr;
  graph::ProcessorHost* host_ = nullptr;
  const detail::ProcessorSetup* setup_ = nullptr;
  const RecordContext* at_hand_ = nullptr;
  const void* key_ = nullptr;  // of the record at hand; nullptr: a punctuation
  Timestamp write_time_{};
  bool in_init_ = false;
  std::vector<View> views_;
};

// Of a Processor that forwards K and V.
template <class K, class V>
class ProcessorContext : public ProcessorContextBase {
 public:
  // Effect: the record runs through the children to its end before this returns (SEMANTICS R-F1).
  // Errors: what a child throws; std::invalid_argument where the timestamp is negative or no child has
  // the name; std::logic_error in init() and close().
  void forward(const K& key, const V& value, const Forward& how = {}) {
    send(key, value, outgoing(how), how.to);
  }
};

namespace detail {
template <class...>
inline constexpr bool declares_output = false;
}

// Of a processor that forwards nothing.
template <>
class ProcessorContext<void, void> : public ProcessorContextBase {
 public:
  template <class... Arguments>
  void forward(const Arguments&...) {
    static_assert(detail::declares_output<Arguments...>,
                  "millrace: this processor declares no output: name what it forwards in "
                  "Processor<KIn, VIn, KOut, VOut>");
  }
};

// Of a FixedKeyProcessor: the key is that of the record at hand.
template <class K, class V>
class FixedKeyProcessorContext : public ProcessorContextBase {
 public:
  // Effect: as ProcessorContext::forward(), with the record's key.
  // Errors: also std::logic_error where it is not the record that process() was given, as in a
  // punctuation.
  template <class VIn>
  void forward(const Record<K, VIn>& record, const V& value, const Forward& how = {}) {
    send(record.key, value, outgoing(how, &record.key), how.to);
  }
};

}  // namespace millrace
