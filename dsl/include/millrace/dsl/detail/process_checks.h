// What is given to process() and process_values(): a processor, or what makes one; and what is wrong
// with it.
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "millrace/detail/process_node.h"
#include "millrace/dsl/detail/checks.h"
#include "millrace/processor.h"

namespace millrace::detail {

// --- which base a processor has ------------------------------------------------------------------

template <class K, class V, class KOut, class VOut>
struct ProcessorTypes {
  using Base = Processor<K, V, KOut, VOut>;
  using Key = K;
  using Value = V;
  using OutKey = KOut;
  using OutValue = VOut;
};
template <class K, class V, class VOut>
struct FixedKeyProcessorTypes {
  using Base = FixedKeyProcessor<K, V, VOut>;
  using Key = K;
  using Value = V;
  using OutKey = K;
  using OutValue = VOut;
};

void types_of(...);
template <class K, class V, class KOut, class VOut>
ProcessorTypes<K, V, KOut, VOut> types_of(const volatile Processor<K, V, KOut, VOut>*);

void fixed_key_types_of(...);
template <class K, class V, class VOut>
FixedKeyProcessorTypes<K, V, VOut> fixed_key_types_of(
    const volatile FixedKeyProcessor<K, V, VOut>*);

// --- a processor, or a callable that returns one, by value or by std::unique_ptr ------------------

template <class T>
struct Pointed {
  using type = T;
};
template <class T>
struct Pointed<std::unique_ptr<T>> {
  using type = T;
};

template <class T>
struct Made {
  using type = T;
};
template <class T>
requires std::is_invocable_v<T&>
struct Made<T> {
  using type = typename Pointed<std::invoke_result_t<T&>>::type;
};
template <class T>
using made_t = typename Made<T>::type;
template <class T>
inline constexpr bool is_maker = std::is_invocable_v<T&>;

template <class T>
using processor_types_t = decltype(types_of(static_cast<std::add_pointer_t<made_t<T>>>(nullptr)));
template <class T>
using fixed_key_types_t =
    decltype(fixed_key_types_of(static_cast<std::add_pointer_t<made_t<T>>>(nullptr)));

template <class T, class Types, class K, class V>
constexpr Mistake mistake_in_processor_types(Mistake none) {
  if constexpr (std::is_void_v<Types>) {
    return none;
  } else {
    if (!std::copy_constructible<T>) {
      return is_maker<T> ? Mistake::kMoveOnly : Mistake::kMoveOnlyProcessor;
    }
    if (!std::same_as<typename Types::Key, K> || !std::same_as<typename Types::Value, V>) {
      return Mistake::kProcessorOfOtherTypes;
    }
    constexpr bool forwards =
        !std::is_void_v<typename Types::OutKey> && !std::is_void_v<typename Types::OutValue>;
    if constexpr (forwards) {
      return first_of(mistake_in_result<typename Types::OutKey>(),
                      mistake_in_result<typename Types::OutValue>());
    }
    return Mistake::kNone;
  }
}

template <class T, class K, class V>
constexpr Mistake mistake_in_processor() {
  return mistake_in_processor_types<T, processor_types_t<T>, K, V>(Mistake::kNoProcessor);
}
template <class T, class K, class V>
constexpr Mistake mistake_in_fixed_key_processor() {
  return mistake_in_processor_types<T, fixed_key_types_t<T>, K, V>(Mistake::kNoFixedKeyProcessor);
}

// --- the node ------------------------------------------------------------------------------------

// Effect: what makes the processor of each clone. A processor is copied; it is kept once, however
// often its node is cloned.
template <class Base, class T>
ProcessorMaker<Base> maker_of(T given) {
  if constexpr (!is_maker<T>) {
    return [prototype = std::make_shared<const T>(std::move(given))] {
      return std::unique_ptr<Base>(new T(*prototype));
    };
  } else if constexpr (std::same_as<std::invoke_result_t<T&>, made_t<T>>) {
    return [make = std::move(given)]() mutable {
      return std::unique_ptr<Base>(new made_t<T>(make()));
    };
  } else {
    return [make = std::move(given)]() mutable { return std::unique_ptr<Base>(make()); };
  }
}

// REQUIRES: no mistake was found.
template <class Types, class T>
graph::Node* process_node(T given, ProcessorSetup setup) {
  using Base = typename Types::Base;
  return new ProcessNode<Base, typename Types::Key, typename Types::Value>(
      maker_of<Base>(std::move(given)), std::move(setup));
}

}  // namespace millrace::detail
