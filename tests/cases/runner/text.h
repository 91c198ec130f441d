// Text: the one type of keys and values in cases. It is text or null, and its serde claims null, so
// that a null reaches every operator and function as in Java (SEMANTICS R-N).
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <utility>

#include "millrace/serde.h"

namespace millrace::cases {

// Null is less than every text; texts compare by unsigned bytes.
class Text {
 public:
  Text() = default;                                      // null
  Text(std::string bytes) : bytes_(std::move(bytes)) {}  // implicit: functions return strings
  Text(const char* bytes) : bytes_(bytes) {}

  bool null() const { return !bytes_; }
  explicit operator bool() const { return !null(); }

  // REQUIRES: !null().
  const std::string& bytes() const { return *bytes_; }

  // The bytes, or `instead` of a null.
  std::string bytes_or(const char* instead) const { return null() ? instead : bytes(); }

  friend auto operator<=>(const Text&, const Text&) = default;

 private:
  std::optional<std::string> bytes_;
};

}  // namespace millrace::cases

template <>
struct millrace::Serde<millrace::cases::Text> {
  using Text = millrace::cases::Text;
  static bool is_null(const Text& text) { return text.null(); }
  static void set_null(Text& text) { text = {}; }
  void serialize(const Text& text, Bytes& out) const { out.append(text.bytes()); }
  void deserialize(BytesView in, Text& text) const { text = std::string(in); }
};
