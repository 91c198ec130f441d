// Where records leave a task: serializes key and value into reused buffers, chooses the partition,
// hands the bytes to the collector (SEMANTICS R-F3, §3.10).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "millrace/detail/node.h"
#include "millrace/detail/node_context.h"
#include "millrace/partitioning.h"
#include "millrace/serde.h"
#include "millrace/windowed.h"

namespace millrace::graph {

// The part of a serialized key that decides its partition: all of it, but for windowed keys only the
// inner key, so that all windows of a key meet in one partition.
template <class K>
inline constexpr std::size_t kKeyBytesBehindInner = 0;
template <class K>
inline constexpr std::size_t kKeyBytesBehindInner<Windowed<K>> = 8;
template <class K>
inline constexpr std::size_t kKeyBytesBehindInner<SessionWindowed<K>> = 16;

// A user's choice of partition; nullopt: no opinion, the default is taken.
template <class K, class V>
using PartitionerFunction =
    std::function<std::optional<Partition>(const K& key, const V& value, std::int32_t partitions)>;

template <class K, class V>
struct SinkOptions {
  std::string topic;
  AnySerde<K> key_serde;
  AnySerde<V> value_serde;
  PartitionerFunction<K, V> partitioner;
  // An internal topic: null keys are dropped, unless a join below answers them (R-RP2).
  bool repartition = false;
};

// Type-free half of the sink.
class SinkNodeBase {
 protected:
  void init_sink(const Node& self, NodeContext& context, const std::string& topic,
                 bool repartition);
  bool drop_null_key();  // true: the record goes no further, and was counted
  // Effect: sends the record to the chosen partition; else to that of its key; without a key to one
  // that depends on the task alone. Errors: TopicError where the topic has no such partition,
  // SerdeError where the timestamp is negative (a processor forwarded it).
  void emit(OptionalBytesView key, std::size_t key_bytes_behind_inner, OptionalBytesView value,
            std::optional<Partition> chosen, const RecordContext& context);
  std::int32_t partitions() const { return target_.partitions; }

 private:
  RecordCollector* collector_ = nullptr;
  SinkTarget target_;
  Partition keyless_;
  bool drops_null_keys_ = false;
  DropCounter null_keys_;
};

template <class K, class V>
class SinkNode final : public Input<K, V>, private SinkNodeBase {
 public:
  explicit SinkNode(SinkOptions<K, V> options) : options_(std::move(options)) {}
  Node* clone() const override { return new SinkNode(*this); }

  void init(NodeContext& context) override {
    init_sink(*this, context, options_.topic, options_.repartition);
  }

  void process(const K& key, const V& value, const RecordContext& context) override {
    OptionalBytesView key_bytes;
    if (!is_null(key)) {
      const void* mine = options_.key_serde.identity();
      if (mine != nullptr && mine == context.key_bytes.serde) {
        key_bytes = context.key_bytes.bytes;
      } else {
        key_buffer_.clear();
        options_.key_serde.serialize(key, key_buffer_);
        key_bytes = key_buffer_;
      }
    } else if (options_.repartition && drop_null_key()) {
      return;
    }
    OptionalBytesView value_bytes;
    if (!is_null(value)) {
      value_buffer_.clear();
      options_.value_serde.serialize(value, value_buffer_);
      value_bytes = value_buffer_;
    }
    std::optional<Partition> chosen;
    if (options_.partitioner) chosen = options_.partitioner(key, value, partitions());
    emit(key_bytes, kKeyBytesBehindInner<K>, value_bytes, chosen, context);
  }

 private:
  SinkOptions<K, V> options_;
  Bytes key_buffer_;
  Bytes value_buffer_;
};

}  // namespace millrace::graph
