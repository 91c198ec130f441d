// Change: what tables tell each other (SEMANTICS R-KT1). It borrows its values: most often the
// entry of a store itself, so that passing a change on copies nothing.
#pragma once

#include <optional>

#include "millrace/serde.h"

namespace millrace {

// Lifetime: that of the process() call that it is given to.
template <class V>
struct Change {
  const std::optional<V>* now;               // never nullptr; empty: deleted
  const std::optional<V>* before = nullptr;  // nullptr: not known, nobody asked for old values
};

namespace detail {

// Effect: a value that is null by its own type (API §4) becomes no value.
template <class V>
void without_null(std::optional<V>& value) {
  if constexpr (Nullable<V>) {
    if (value && is_null(*value)) value.reset();
  }
}

}  // namespace detail
}  // namespace millrace
