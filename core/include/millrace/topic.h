// Topic<K,V>: a name and the serdes of its two sides; declared once, used wherever the topic is read
// or written.
//
//   const Topic<std::string, Order> kOrders("orders");
//   const Topic<std::string, Reading> kPlant("plant.csv", {.value = CsvReading{';'}});
//
// A topic whose values may be deleted is a Topic<K, std::optional<V>>; one without keys a
// Topic<NoKey, V>. A value type: copies are independent.
#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "millrace/serde.h"

namespace millrace {

namespace detail {
// Types that only look at bytes that somebody else owns, and would dangle in a queue or a store.
template <class T>
inline constexpr bool owns_its_data = !std::is_pointer_v<T> && !std::same_as<T, std::string_view>;
}  // namespace detail

template <class K, class V>
struct TopicSerdes {
  AnySerde<K> key = default_serde<K>();
  AnySerde<V> value = default_serde<V>();
};

template <class K, class V>
class Topic {
  static_assert(detail::owns_its_data<K> && detail::owns_its_data<V>,
                "millrace: keys and values must own their data: use std::string instead of a view "
                "or a pointer");

 public:
  using Key = K;
  using Value = V;

  explicit Topic(std::string name, TopicSerdes<K, V> serdes = {})
      : name_(std::move(name)), serdes_(std::move(serdes)) {}

  const std::string& name() const { return name_; }
  const TopicSerdes<K, V>& serdes() const { return serdes_; }

 private:
  std::string name_;
  TopicSerdes<K, V> serdes_;
};

}  // namespace millrace
