// What sources and sinks of the DSL need beside the engine's own nodes.
#pragma once

#include <concepts>
#include <optional>
#include <utility>

#include "millrace/detail/source_node.h"
#include "millrace/serde.h"

namespace millrace::detail {

// Reads what our own sink wrote: a null that the type cannot hold, or a negative time, is a fault.
template <class K, class V>
const graph::Node* internal_source(AnySerde<K> key_serde, AnySerde<V> value_serde) {
  return new graph::SourceNode<K, V>(
      {std::move(key_serde), std::move(value_serde), {}, graph::NullPolicy::kFail});
}

// Writes values that are never missing to a topic whose values may be.
template <class V>
struct PresentSerde {
  AnySerde<std::optional<V>> inner;
  std::optional<V> scratch = {};

  void serialize(const V& value, Bytes& out) {
    scratch = value;
    inner.serialize(scratch, out);
  }
  void deserialize(BytesView in, V& value) {
    inner.deserialize(in, scratch);
    value = *scratch;
  }
};

// A serde for V from that of a topic of V or std::optional<V>.
template <class V, class TV>
AnySerde<V> value_serde_of(const AnySerde<TV>& serde) {
  if constexpr (std::same_as<V, TV>) {
    return serde;
  } else {
    return PresentSerde<V>{serde};
  }
}

}  // namespace millrace::detail
