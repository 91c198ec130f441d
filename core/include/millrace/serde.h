// Serdes: how keys and values become bytes. Byte-compatible with Kafka's Java serdes for the
// built-in types (SEMANTICS §3.11), so that C++ and Java programs share topics.
//
//   struct Celsius { double degrees = 0; };
//   template <>
//   struct millrace::Serde<Celsius> {
//     void serialize(const Celsius& c, Bytes& out) { number_.serialize(c.degrees, out); }   // appends
//     void deserialize(BytesView in, Celsius& c) { number_.deserialize(in, c.degrees); }    // overwrites
//     Serde<double> number_;
//   };
//
// A serde is an object: it may take arguments and keep buffers, is copied per task, and is used by
// one thread at a time. deserialize() throws SerdeError on bytes it cannot read; its result owns its
// data. The primary template is declared and never defined: a type without a serde is a compile
// error, never a default.
//
// Built in: std::string and Bytes (raw bytes), bool, std::int16_t, std::int32_t, std::int64_t,
// float, double (big-endian, IEEE), NoKey, std::optional<T>. JSON: serde_json.h.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "millrace/bytes.h"
#include "millrace/error.h"

namespace millrace {

template <class T>
struct Serde;

// The key of a topic without keys: always null on the wire, ignored when read. Cannot be grouped
// or joined.
struct NoKey {
  friend constexpr auto operator<=>(NoKey, NoKey) = default;
};

// clang-format off
template <class S, class T>
concept SerdeFor =
    std::copy_constructible<S> && requires(S& s, const T& value, T& target, Bytes& out, BytesView in) {
  s.serialize(value, out);
  s.deserialize(in, target);
};

template <class T>
concept HasSerde =
    requires { sizeof(Serde<T>); } && std::default_initializable<Serde<T>> && SerdeFor<Serde<T>, T>;
// clang-format on

// --- null -----------------------------------------------------------------------------------
//
// A type may hold Kafka's null payload itself: std::optional<T>, NoKey, and every T whose Serde<T>
// claims null by two static functions, `bool is_null(const T&)` and `void set_null(T&)`. Such a
// null reaches the user's functions as in Java (SEMANTICS R-N). Of all other types a null never
// gets past the source. The empty payload is not null.

namespace detail {
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
}  // namespace detail

template <class T>
concept SerdeClaimsNull = requires(const T& value, T& target) {
  sizeof(Serde<T>);
  { Serde<T>::is_null(value) } -> std::convertible_to<bool>;
  Serde<T>::set_null(target);
};

template <class T>
concept Nullable = detail::is_optional<T> || std::same_as<T, NoKey> || SerdeClaimsNull<T>;

// Whether the value is Kafka's null; false for every type that cannot be null.
template <class T>
constexpr bool is_null(const T& value) {
  if constexpr (detail::is_optional<T>) {
    return !value.has_value();
  } else if constexpr (std::same_as<T, NoKey>) {
    return true;
  } else if constexpr (SerdeClaimsNull<T>) {
    return Serde<T>::is_null(value);
  } else {
    return false;
  }
}

template <Nullable T>
constexpr void set_null(T& value) {
  if constexpr (detail::is_optional<T>) {
    value.reset();
  } else if constexpr (SerdeClaimsNull<T>) {
    Serde<T>::set_null(value);
  }
}

// --- AnySerde -------------------------------------------------------------------------------

namespace detail {
template <class S>
inline constexpr char serde_identity_tag = 0;

// Whether equal values always have equal bytes. A serde that cannot promise it (JSON: the order of
// members, the spelling of numbers) says `static constexpr bool canonical = false`.
template <class S>
constexpr bool is_canonical() {
  if constexpr (requires { S::canonical; }) {
    return S::canonical;
  } else {
    return std::is_empty_v<S>;
  }
}

template <class S, class T>
struct OptionalSerde {
  S inner;
  void serialize(const std::optional<T>& value, Bytes& out) {
    if (value) inner.serialize(*value, out);
  }
  void deserialize(BytesView in, std::optional<T>& value) {
    if (!value) value.emplace();
    inner.deserialize(in, *value);
  }
};
}  // namespace detail

// Any serde for T behind one virtual call; what options and topics hold. Copying copies the serde.
// An AnySerde<std::optional<T>> may be made from a serde for T. An empty one (made by default)
// stands for "none named" and must not be used.
template <class T>
class AnySerde {
 public:
  AnySerde() = default;

  // clang-format off
  template <class S>
    requires(!std::same_as<std::remove_cvref_t<S>, AnySerde>)
  AnySerde(S&& serde) {  // implicit: options name serdes directly
    // clang-format on
    using Plain = std::remove_cvref_t<S>;
    if constexpr (SerdeFor<Plain, T>) {
      self_ = std::make_unique<Model<Plain>>(std::forward<S>(serde));
    } else if constexpr (serves_inner<Plain>()) {
      if constexpr (std::same_as<Plain, AnySerde<typename T::value_type>>) {
        if (!serde) return;  // "none named" stays that
      }
      self_ = optional_of(Plain(std::forward<S>(serde)));
    } else {
      static_assert(SerdeFor<Plain, T>,
                    "millrace: not a serde for this type: it needs serialize(const T&, Bytes&) and "
                    "deserialize(BytesView, T&)");
    }
  }

  AnySerde(const AnySerde& other) : self_(other.self_ ? other.self_->clone() : nullptr) {}
  AnySerde(AnySerde&&) noexcept = default;
  AnySerde& operator=(AnySerde other) noexcept {
    self_ = std::move(other.self_);
    return *this;
  }
  ~AnySerde() = default;

  explicit operator bool() const { return self_ != nullptr; }

  // REQUIRES for all that follow: *this holds a serde.
  // Effect: appends the bytes. REQUIRES: !is_null(value). Errors: SerdeError and what the serde throws.
  void serialize(const T& value, Bytes& out) { self_->serialize(value, out); }
  // Effect: overwrites the value. Errors: SerdeError and what the serde throws.
  void deserialize(BytesView in, T& value) { self_->deserialize(in, value); }

  // Equal for serdes that write the same bytes for the same value; nullptr where nobody knows
  // (a serde with arguments, or one that is not canonical).
  const void* identity() const { return self_->identity(); }

  // The serde's class: what a store on disk remembers of what wrote it.
  const std::type_info& type() const { return self_->type(); }

 private:
  struct Concept {
    virtual ~Concept() = default;
    virtual void serialize(const T& value, Bytes& out) = 0;
    virtual void deserialize(BytesView in, T& value) = 0;
    virtual std::unique_ptr<Concept> clone() const = 0;
    virtual const void* identity() const = 0;
    virtual const std::type_info& type() const = 0;
  };

  template <class S>
  struct Model final : Concept {
    explicit Model(S s) : serde(std::move(s)) {}
    void serialize(const T& value, Bytes& out) override { serde.serialize(value, out); }
    void deserialize(BytesView in, T& value) override { serde.deserialize(in, value); }
    std::unique_ptr<Concept> clone() const override {
      return std::unique_ptr<Concept>(new Model(serde));
    }
    const void* identity() const override {
      return std::is_empty_v<S> && detail::is_canonical<S>() ? &detail::serde_identity_tag<S>
                                                             : nullptr;
    }
    const std::type_info& type() const override { return typeid(S); }
    S serde;
  };

  template <class S>
  static constexpr bool serves_inner() {
    if constexpr (detail::is_optional<T>) {
      return SerdeFor<S, typename T::value_type>;
    } else {
      return false;
    }
  }
  template <class S>
  static std::unique_ptr<Concept> optional_of(S serde) {
    using Wrapped = detail::OptionalSerde<S, typename T::value_type>;
    return std::unique_ptr<Concept>(new Model<Wrapped>(Wrapped{std::move(serde)}));
  }

  std::unique_ptr<Concept> self_;
};

// The serde of a boundary (topic, store, repartition) where the user named none: Serde<T>, or one
// sentence at compile time. As the default of an option's member it is instantiated only where the
// member is left out.
template <class T>
AnySerde<T> default_serde() {
  constexpr bool needs_size = requires { Serde<T>::kNeedsSize; };
  static_assert(!needs_size,
                "millrace: a windowed key is stored without the window's end, so name a serde that "
                "knows the size: {.key = time_windowed_serde<K>(1h)}");
  static_assert(needs_size || HasSerde<T>,
                "millrace: no serde for this type: include millrace/serde_json.h, specialise "
                "millrace::Serde<T>, or name a serde here");
  if constexpr (HasSerde<T>) {
    return AnySerde<T>(Serde<T>{});
  } else {
    return {};
  }
}

// --- built-in serdes -------------------------------------------------------------------------

template <>
struct Serde<std::string> {
  void serialize(const std::string& value, Bytes& out) const { out.append(value); }
  void deserialize(BytesView in, std::string& value) const { value.assign(in); }
};

namespace detail {
void append_big_endian(std::uint64_t value, int width, Bytes& out);
// Errors: SerdeError if in.size() != width; the message names `what`.
std::uint64_t read_big_endian(BytesView in, int width, const char* what);

// Integers and IEEE numbers: their bits, big-endian, as Java's serializers write them.
template <class T, class Bits>
struct NumberSerde {
  static_assert(sizeof(T) == sizeof(Bits));
  void serialize(T value, Bytes& out) const {
    if constexpr (std::same_as<T, double>) {
      // All NaNs have one spelling, as Java writes doubles (its floats keep theirs).
      if (value != value) value = std::numeric_limits<T>::quiet_NaN();
    }
    append_big_endian(__builtin_bit_cast(Bits, value), sizeof(T), out);
  }
  void deserialize(BytesView in, T& value) const {
    value = __builtin_bit_cast(T, static_cast<Bits>(read_big_endian(in, sizeof(T), name())));
  }
  static constexpr const char* name() {
    if constexpr (std::floating_point<T>) {
      return sizeof(T) == 4 ? "float" : "double";
    } else {
      return sizeof(T) == 2   ? "16-bit integer"
             : sizeof(T) == 4 ? "32-bit integer"
                              : "64-bit integer";
    }
  }
};
}  // namespace detail

template <>
struct Serde<std::int16_t> : detail::NumberSerde<std::int16_t, std::uint16_t> {};
template <>
struct Serde<std::int32_t> : detail::NumberSerde<std::int32_t, std::uint32_t> {};
template <>
struct Serde<std::int64_t> : detail::NumberSerde<std::int64_t, std::uint64_t> {};
template <>
struct Serde<float> : detail::NumberSerde<float, std::uint32_t> {};
template <>
struct Serde<double> : detail::NumberSerde<double, std::uint64_t> {};

template <>
struct Serde<bool> {
  void serialize(bool value, Bytes& out) const { out.push_back(value ? '\1' : '\0'); }
  void deserialize(BytesView in, bool& value) const;
};

template <>
struct Serde<NoKey> {
  void serialize(NoKey, Bytes&) const {}
  void deserialize(BytesView, NoKey&) const {}
};

template <HasSerde T>
struct Serde<std::optional<T>> : detail::OptionalSerde<Serde<T>, T> {};

}  // namespace millrace
