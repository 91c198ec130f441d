// Typed store names: declared once, they open the same store in an operator, a processor, a test
// and a query, and only with the right types.
//
//   inline constexpr KeyValueStoreName<std::string, std::int64_t> kVisits("visits");
//   visits.count(kVisits);                 // in the topology
//   driver.store(kVisits).get("/home");    // in a test
//
// A literal may stand wherever a typed name may: count("visits"). Its characters are checked while
// compiling; a name that is known only at run time is runtime(text), checked in build().
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace millrace {

// The rule for names of stores, operators and internal topics (SEMANTICS §3.1).
constexpr bool is_valid_name(std::string_view name) {
  if (name.empty() || name.size() > 200 || name == "." || name == "..") return false;
  for (const char c : name) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '-';
    if (!fine) return false;
  }
  return true;
}

namespace detail {
// A literal that breaks the rule ends in the throw, which is no constant: the compiler shows this
// line.
constexpr std::string_view checked_name(std::string_view name) {
  if (!is_valid_name(name)) throw "millrace: a name is 1 to 200 of A-Z a-z 0-9 . _ -";
  return name;
}
// Effect: a view of an equal text that lives for ever. Thread-safe.
std::string_view intern_name(std::string text);
}  // namespace detail

// A name made at run time; build() checks it. Its text is kept for the life of the process.
struct RuntimeName {
  std::string_view text;
};
inline RuntimeName runtime(std::string text) { return {detail::intern_name(std::move(text))}; }

// The name of an operator that makes state or an internal topic. From a literal (checked while
// compiling), a typed store name, or runtime(text). A trivial type.
class Name {
 public:
  template <std::size_t N>
  consteval Name(const char (&literal)[N]) : text_(detail::checked_name({literal, N - 1})) {}
  constexpr Name(RuntimeName name) : text_(name.text) {}

  constexpr std::string_view view() const { return text_; }
  std::string str() const { return std::string(text_); }

 private:
  std::string_view text_;
};

namespace detail {
// Kind tells stores of equal types apart: a window store is not a key-value store.
template <class Kind, class K, class V>
class TypedStoreName {
 public:
  using Key = K;
  using Value = V;

  template <std::size_t N>
  consteval TypedStoreName(const char (&literal)[N]) : name_(checked_name({literal, N - 1})) {}
  constexpr TypedStoreName(RuntimeName name) : name_(name.text) {}

  // The name of another store: refused with a sentence where it is used.
  template <class Kind2, class K2, class V2>
  requires(!std::is_same_v<TypedStoreName<Kind2, K2, V2>, TypedStoreName>) constexpr TypedStoreName(
      TypedStoreName<Kind2, K2, V2> other)
      : name_(other.view()) {
    static_assert(
        !std::is_same_v<Kind2, Kind2>,
        "millrace: this store name is declared for another kind of store, or for other key "
        "or value types");
  }

  constexpr std::string_view view() const { return name_; }
  constexpr operator Name() const { return Name(RuntimeName{name_}); }

 private:
  std::string_view name_;
};
}  // namespace detail

template <class K, class V>
using KeyValueStoreName = detail::TypedStoreName<struct KeyValueKind, K, V>;
template <class K, class V>
using WindowStoreName = detail::TypedStoreName<struct WindowKind, K, V>;
template <class K, class V>
using SessionStoreName = detail::TypedStoreName<struct SessionKind, K, V>;

}  // namespace millrace
