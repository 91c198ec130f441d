// JSON for every class type that nlohmann::json can convert: structs with its macros (or with their
// own to_json and from_json), std::vector, std::map, std::pair and so on of such types, and
// nlohmann::json itself.
//
//   #include <millrace/serde_json.h>
//   #include <nlohmann/json.hpp>          // yours; this header needs its declarations only
//
//   struct Flight { std::string origin; int delay = 0; };
//   NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Flight, origin, delay)
//
//   builder.stream<std::string, Flight>("flights");       // no serde named: JSON
//
// Use the WITH_DEFAULT macros for what is stored: with them a field that old state does not have
// yet is left at its default; without them the old bytes cannot be read any more.
//
// Types with a serde of their own keep it: std::string stays raw bytes, std::optional<T> stays "null
// or T", and a Serde<T> that you specialise wins. std::int64_t and the like are no class types.
//
// The parser and the writer are compiled into the library: a program must use the version of
// nlohmann::json that millrace was built with. Another one does not link.
#pragma once

#include <concepts>
#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <type_traits>
#include <utility>

#include "millrace/serde.h"

namespace millrace {

// The one parser and the one writer; all other types go through them.
template <>
struct Serde<nlohmann::json> {
  static constexpr bool canonical = false;

  // Effect: appends compact JSON. Errors: SerdeError, with nothing appended, for what could not be
  // read back: a number that is not finite, a string that is not UTF-8, more than 64 levels.
  void serialize(const nlohmann::json& value, Bytes& out) const;

  // Errors: SerdeError on what is not JSON, or has more than 64 levels; with the position and the
  // reason, never with the record's bytes. The value is then unchanged.
  void deserialize(BytesView in, nlohmann::json& value) const;
};

namespace detail {

// nlohmann::adl_serializer is what its users specialise; without their json.hpp it is incomplete
// and nothing is convertible. A view would look into a document that is gone.
// clang-format off
template <class T>
concept JsonConvertible =
    std::is_class_v<T> && std::default_initializable<T> && std::movable<T> && !is_optional<T> &&
    !std::same_as<T, std::string_view> &&
    requires(nlohmann::json& to, const nlohmann::json& from, const T& value, T& target) {
      nlohmann::adl_serializer<T>::to_json(to, value);
      nlohmann::adl_serializer<T>::from_json(from, target);
    };
// clang-format on

// The part that is the same for all types. The conversion is the user's code: what nlohmann::json
// throws in it becomes a SerdeError, all else passes through.
void write_json(const void* source, void (*convert)(nlohmann::json& to, const void* source),
                Bytes& out);
void read_json(BytesView in, void (*convert)(const nlohmann::json& from, void* target),
               void* target);

}  // namespace detail

template <detail::JsonConvertible T>
struct Serde<T> {
  // The order of members and the spelling of numbers are not the value's.
  static constexpr bool canonical = false;

  void serialize(const T& value, Bytes& out) const {
    // Generic lambdas, because here nlohmann::json may not be complete yet.
    constexpr auto convert = [](auto& to, const void* source) {
      nlohmann::adl_serializer<T>::to_json(to, *static_cast<const T*>(source));
    };
    detail::write_json(&value, convert, out);
  }

  void deserialize(BytesView in, T& value) const {
    // A source reads every record into the same value, and a from_json() may leave a member that
    // the document lacks as it finds it: it must not find the member of another record.
    constexpr auto convert = [](const auto& from, void* target) {
      T fresh{};
      nlohmann::adl_serializer<T>::from_json(from, fresh);
      *static_cast<T*>(target) = std::move(fresh);
    };
    detail::read_json(in, convert, &value);
  }
};

}  // namespace millrace
