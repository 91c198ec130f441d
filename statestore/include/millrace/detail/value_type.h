// What the store core must know of a value type that it does not know: how to make, move, end,
// measure and serialize it. One static table per V, so that the store core is compiled once
// (DESIGN §4: K leaves the templates, only the value cell is typed).
//
// A cell holds a std::optional<V>: empty is "no entry". Table changes borrow it, so that
// to_stream() copies nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "millrace/serde.h"

namespace millrace {

// Bytes that a value owns on the heap, for the memory budget. Specialise it for a type that owns
// much; without a specialisation, strings are measured and everything else counts as nothing.
template <class T>
struct HeapSize {
  static std::size_t of(const T&) { return 0; }
};
template <>
struct HeapSize<std::string> {
  static std::size_t of(const std::string& s) { return s.capacity() > 15 ? s.capacity() + 1 : 0; }
};

namespace state {

// Serializes the values of one store; owned by the store, used by one thread.
class ValueCodec {
 public:
  virtual ~ValueCodec() = default;
  // REQUIRES: `optional` points to a std::optional<V> that holds a value.
  // Errors: what the serde throws.
  virtual void serialize(const void* optional, Bytes& out) = 0;
  // Effect: the std::optional<V> holds the decoded value.
  virtual void deserialize(BytesView in, void* optional) = 0;
};

// Operations on a std::optional<V> behind a void pointer.
struct ValueType {
  std::size_t size;
  std::size_t alignment;
  const std::type_info* type;  // of V
  bool trivial;                // may be copied as bytes, owns nothing, is never null
  void (*construct_empty)(void* at);
  void (*move_construct)(void* at, void* from);  // leaves `from` empty
  void (*destroy)(void* at) noexcept;
  // A value that is null (serde.h) counts as none: in a changelog both are a deletion.
  bool (*has_value)(const void* at) noexcept;
  std::size_t (*heap_size)(const void* at);
};

template <class V>
const ValueType& value_type() {
  using Held = std::optional<V>;
  static constexpr auto as = [](void* at) { return static_cast<Held*>(at); };
  static const ValueType type = {
      sizeof(Held),
      alignof(Held),
      &typeid(V),
      std::is_trivially_copyable_v<V> && !Nullable<V>,
      [](void* at) { new (at) Held(); },
      [](void* at, void* from) {
        new (at) Held(std::move(*as(from)));
        as(from)->reset();
      },
      [](void* at) noexcept { as(at)->~Held(); },
      [](const void* at) noexcept {
        const Held& held = *static_cast<const Held*>(at);
        return held.has_value() && !is_null(*held);
      },
      [](const void* at) {
        const Held& held = *static_cast<const Held*>(at);
        return held ? HeapSize<V>::of(*held) : std::size_t{0};
      },
  };
  return type;
}

template <class V>
class SerdeValueCodec final : public ValueCodec {
 public:
  explicit SerdeValueCodec(AnySerde<V> serde) : serde_(std::move(serde)) {}

  void serialize(const void* optional, Bytes& out) override {
    serde_.serialize(**static_cast<const std::optional<V>*>(optional), out);
  }
  void deserialize(BytesView in, void* optional) override {
    auto& held = *static_cast<std::optional<V>*>(optional);
    serde_.deserialize(in, held.emplace());
  }

 private:
  AnySerde<V> serde_;
};

}  // namespace state
}  // namespace millrace
