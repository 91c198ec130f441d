// Where records enter a task. One SourceNode per source of the graph; one SourceSlot per partition
// that a task reads: it holds the one key and value that this partition's records are decoded into,
// so that decoding a record allocates nothing that the last one did not (SEMANTICS R-T4, DESIGN §3).
#pragma once

#include <functional>
#include <memory>
#include <typeinfo>
#include <utility>

#include "millrace/detail/node.h"
#include "millrace/detail/node_context.h"
#include "millrace/detail/processor_host.h"
#include "millrace/serde.h"
#include "millrace/time.h"

namespace millrace::graph {

// What a null payload means where the type cannot hold it.
enum class NullPolicy {
  kSkip,        // counted
  kFail,        // as bytes that cannot be decoded
  kDeadLetter,  // written to the dead letter topic
};

class SourceSlot {
 public:
  virtual ~SourceSlot() = default;

  enum class Decoded {
    kReady,
    kNullKey,            // and the policy says skip
    kNullValue,          // and the policy says skip
    kNullKeySetAside,    // and the policy says dead letter
    kNullValueSetAside,  // and the policy says dead letter
  };

  // Effect: decodes the head record and sets context.timestamp (by the extractor, where there is
  // one) and context.key_bytes. REQUIRES: context's topic, partition, offset, timestamp and headers
  // are the record's; `partition_time` is the greatest timestamp of the partition so far.
  // Errors: SerdeError and whatever a serde or extractor throws.
  virtual Decoded decode(const RecordView& record, RecordContext& context,
                         Timestamp partition_time) = 0;

  // Whether the wall clock says the timestamp: then the one that decode() finds only chooses the record,
  // and the clock is read again where it is taken, as a replay repeats it.
  virtual bool by_wall_clock() const { return false; }

  // Effect: runs the decoded record through the graph.
  virtual void process(const RecordContext& context) = 0;
};

// Not a template part of Source: what the task knows of every source.
class SourceNodeBase : public Node {
 public:
  // Lifetime: the slot refers to this node and goes before it.
  virtual std::unique_ptr<SourceSlot> make_slot() = 0;

  // How keys are read: their type, and AnySerde::identity(), nullptr if unknown. A join compares its
  // two sides.
  struct KeyFormat {
    const std::type_info* type;
    const void* serde;
  };
  virtual KeyFormat key_format() const = 0;

  virtual NullPolicy null_policy() const = 0;
  virtual bool logs_dropped_times() const = 0;
};

// Says when a record happened. `partition_time`: the greatest timestamp of its partition so far,
// kNoTimestamp if there is none. A negative result drops the record, counted; to stop instead, throw.
template <class K, class V>
using TimestampExtractorFunction = std::function<Timestamp(
    const K& key, const V& value, const RecordContext& context, Timestamp partition_time)>;

template <class K, class V>
struct SourceOptions {
  AnySerde<K> key_serde;
  AnySerde<V> value_serde;
  TimestampExtractorFunction<K, V>
      timestamp;  // empty: the record's own, which must not be negative
  NullPolicy on_null = NullPolicy::kSkip;
  bool by_wall_clock = false;       // the time at which it is taken, whatever `timestamp` says
  bool logs_dropped_times = false;  // a record that is dropped for its negative time is logged
};

// Decodes a payload that may be null. Returns false if it is null and T cannot hold that.
template <class T>
bool decode_payload(AnySerde<T>& serde, const OptionalBytesView& payload, T& target) {
  if (payload) {
    if constexpr (!std::same_as<T, NoKey>) serde.deserialize(*payload, target);
    return true;
  }
  if constexpr (Nullable<T>) {
    set_null(target);
    return true;
  } else {
    return false;
  }
}

// Errors of the sources, out of line: one sentence for all types.
[[noreturn]] void fail_on_null(const RecordContext& context, const char* what);
[[noreturn]] void fail_on_negative_timestamp(const RecordContext& context);

template <class K, class V>
class SourceNode final : public SourceNodeBase {
 public:
  explicit SourceNode(SourceOptions<K, V> options) : options_(std::move(options)) {}
  Node* clone() const override { return new SourceNode(*this); }

  std::unique_ptr<SourceSlot> make_slot() override {
    return std::unique_ptr<SourceSlot>(new Slot(*this));
  }
  NullPolicy null_policy() const override { return options_.on_null; }
  bool logs_dropped_times() const override { return options_.logs_dropped_times; }

  void init(NodeContext& context) override {
    if (options_.by_wall_clock) host_ = &context.processor_host();
  }
  KeyFormat key_format() const override { return {&typeid(K), options_.key_serde.identity()}; }

 private:
  class Slot final : public SourceSlot {
   public:
    explicit Slot(SourceNode& source) : source_(source) {}

    Decoded decode(const RecordView& record, RecordContext& context,
                   Timestamp partition_time) override {
      SourceOptions<K, V>& options = source_.options_;
      if (!decode_payload(options.key_serde, record.key, key_))
        return null_found(context, "key", Decoded::kNullKey, Decoded::kNullKeySetAside);
      if (!decode_payload(options.value_serde, record.value, value_)) {
        return null_found(context, "value", Decoded::kNullValue, Decoded::kNullValueSetAside);
      }
      context.key_bytes =
          record.key ? KeyBytes{*record.key, options.key_serde.identity()} : KeyBytes{};
      if (source_.host_ != nullptr) {
        context.timestamp = source_.host_->system_time();
      } else if (options.timestamp) {
        context.timestamp = options.timestamp(key_, value_, context, partition_time);
      } else if (context.timestamp < Timestamp{}) {
        fail_on_negative_timestamp(context);
      }
      return Decoded::kReady;
    }

    bool by_wall_clock() const override { return source_.host_ != nullptr; }

    void process(const RecordContext& context) override { source_.forward(key_, value_, context); }

   private:
    Decoded null_found(const RecordContext& context, const char* what, Decoded skip,
                       Decoded set_aside) {
      const NullPolicy policy = source_.options_.on_null;
      if (policy == NullPolicy::kFail) fail_on_null(context, what);
      return policy == NullPolicy::kSkip ? skip : set_aside;
    }

    SourceNode& source_;
    K key_{};
    V value_{};
  };

  SourceOptions<K, V> options_;
  ProcessorHost* host_ = nullptr;  // where the time is the wall clock's
};

}  // namespace millrace::graph
