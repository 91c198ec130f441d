// The options of process() and process_values().
//
//   payments.process(ImpossibleTravel(1h), {.stores = {kLastSeen}, .name = "impossible-travel"})
#pragma once

#include <string_view>
#include <typeinfo>
#include <vector>

#include "millrace/detail/store.h"
#include "millrace/dsl/options.h"
#include "millrace/source_location.h"
#include "millrace/store_name.h"

namespace millrace {

// A store that a processor is connected to: its typed name, which build() compares with what the
// store was made as; or a literal or runtime(text), compared when the processor opens it.
class ConnectedStore {
 public:
  template <class K, class V>
  ConnectedStore(KeyValueStoreName<K, V> name)
      : name_(name.view()),
        kind_(state::StoreKind::kTimestampedKeyValue),
        key_type_(&typeid(K)),
        value_type_(&typeid(V)) {}
  template <class K, class V>
  ConnectedStore(WindowStoreName<K, V> name)
      : name_(name.view()),
        kind_(state::StoreKind::kTimestampedWindow),
        key_type_(&typeid(K)),
        value_type_(&typeid(V)) {}
  template <class K, class V>
  ConnectedStore(SessionStoreName<K, V> name)
      : name_(name.view()),
        kind_(state::StoreKind::kSession),
        key_type_(&typeid(K)),
        value_type_(&typeid(V)) {}
  template <std::size_t N>
  consteval ConnectedStore(const char (&literal)[N])
      : name_(detail::checked_name({literal, N - 1})) {}
  constexpr ConnectedStore(RuntimeName name) : name_(name.text) {}

  std::string_view name() const { return name_; }
  state::StoreKind kind() const { return kind_; }
  // nullptr: not said.
  const std::type_info* key_type() const { return key_type_; }
  const std::type_info* value_type() const { return value_type_; }

 private:
  std::string_view name_;
  state::StoreKind kind_ = state::StoreKind::kTimestampedKeyValue;
  const std::type_info* key_type_ = nullptr;
  const std::type_info* value_type_ = nullptr;
};

// .stores: those that the processor opens; processors that share one are in the same task, and so
// are their topics' partitions of one number. .name: needed to schedule by stream time.
struct Processed {
  std::vector<ConnectedStore> stores = {};
  OperatorName name = {};
  SourceLocation where = SourceLocation::current();
};

}  // namespace millrace
