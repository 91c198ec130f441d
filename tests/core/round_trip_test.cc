// Properties over random values: what is written is read back, and no bytes whatever do harm.
// rapidcheck prints its seed; RC_PARAMS="seed=..." repeats a run.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "millrace/detail/encoding.h"
#include "millrace/detail/hash.h"
#include "millrace/partitioning.h"
#include "millrace/serde.h"
#include "millrace/serde_json.h"

namespace shop {

struct Line {
  std::string text;
  std::int64_t number = 0;
  double amount = 0;
  std::vector<std::string> tags;
  friend bool operator==(const Line&, const Line&) = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Line, text, number, amount, tags)

}  // namespace shop

namespace millrace {
namespace {

template <class T>
void expect_round_trip(const T& value) {
  Bytes out = "before";
  Serde<T>().serialize(value, out);
  RC_ASSERT(out.starts_with("before"));
  T read{};
  Serde<T>().deserialize(BytesView(out).substr(6), read);
  RC_ASSERT(read == value);
}

// Any bytes, zero and those above 127 included.
rc::Gen<Bytes> any_bytes() { return rc::gen::container<Bytes>(rc::gen::arbitrary<char>()); }

// Text of UTF-8 of every length.
rc::Gen<std::string> any_text() {
  return rc::gen::map(
      rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
          "a", "\"", "\\", "\n", std::string(1, '\0'), "é", "€", "😀", "\x7f", "[", "{")),
      [](const std::vector<std::string>& parts) {
        std::string text;
        for (const std::string& part : parts) text += part;
        return text;
      });
}

RC_GTEST_PROP(RoundTrip, Integers, (std::int16_t a, std::int32_t b, std::int64_t c)) {
  // Every integer is read back.
  expect_round_trip(a);
  expect_round_trip(b);
  expect_round_trip(c);
}

RC_GTEST_PROP(RoundTrip, NumbersOfAnyBits, (std::uint64_t bits)) {
  // Every double that is a number is read back, and other bits stay NaN.
  const auto value = __builtin_bit_cast(double, bits);
  Bytes out;
  Serde<double>().serialize(value, out);
  double read = 0;
  Serde<double>().deserialize(out, read);
  RC_ASSERT(read == value || (read != read && value != value));
  const auto narrow = static_cast<std::uint32_t>(bits);
  Bytes narrow_out;
  Serde<float>().serialize(__builtin_bit_cast(float, narrow), narrow_out);
  BytesView in = narrow_out;
  RC_ASSERT(detail::read_int<std::uint32_t>(in) == narrow);
}

RC_GTEST_PROP(RoundTrip, Strings, ()) {
  // Strings are bytes, valid text or not; so is what an optional holds.
  const Bytes bytes = *any_bytes();
  expect_round_trip(bytes);
  expect_round_trip(std::optional<std::string>(bytes));
}

RC_GTEST_PROP(RoundTrip, Varints, (std::int32_t value, std::uint8_t shift)) {
  // Every length of varint is read back, and what follows it is left.
  value >>= shift % 32;
  Bytes out;
  detail::append_varint(value, out);
  const std::size_t size = out.size();
  out += "rest";
  BytesView in = out;
  RC_ASSERT(detail::read_varint(in) == value);
  RC_ASSERT(in == "rest");
  BytesView cut = BytesView(out).substr(0, size - 1);
  RC_ASSERT(detail::read_varint(cut) == std::nullopt);
}

RC_GTEST_PROP(RoundTrip, SizedBytes, ()) {
  // A list of byte strings and nulls is read back element by element.
  const auto list = *rc::gen::container<std::vector<OptionalBytes>>(rc::gen::oneOf(
      rc::gen::just(OptionalBytes()),
      rc::gen::map(any_bytes(), [](Bytes bytes) { return OptionalBytes(std::move(bytes)); })));
  Bytes out;
  for (const OptionalBytes& bytes : list) detail::append_sized(bytes, out);
  BytesView in = out;
  for (const OptionalBytes& bytes : list) {
    const auto read = detail::read_sized(in);
    RC_ASSERT(read.has_value());
    RC_ASSERT(*read == OptionalBytesView(bytes));
  }
  RC_ASSERT(in.empty());
}

RC_GTEST_PROP(RoundTrip, Base64AndHex, ()) {
  // Any bytes survive as text, padded or not.
  const Bytes bytes = *any_bytes();
  std::string text = detail::encode_base64(bytes);
  RC_ASSERT(text.size() % 4 == 0u);
  RC_ASSERT(detail::decode_base64(text) == bytes);
  while (text.ends_with('=')) text.pop_back();
  RC_ASSERT(detail::decode_base64(text) == bytes);
  RC_ASSERT(from_hex(to_hex(bytes)) == bytes);
}

RC_GTEST_PROP(RoundTrip, Json, (std::int64_t number, double amount)) {
  // A struct of text, integers, doubles and a list is read back.
  const auto tags = *rc::gen::container<std::vector<std::string>>(any_text());
  expect_round_trip(shop::Line{*any_text(), number, amount, tags});
}

RC_GTEST_PROP(Order, BigEndianTimesSortAsNumbers, (std::int64_t a, std::int64_t b)) {
  // Keys with a time are scanned in the order of time: for times from 0 on, bytes sort as numbers.
  a &= std::numeric_limits<std::int64_t>::max();
  b &= std::numeric_limits<std::int64_t>::max();
  Bytes of_a;
  Bytes of_b;
  detail::append_int(a, of_a);
  detail::append_int(b, of_b);
  RC_ASSERT((a < b) == (of_a < of_b));
}

RC_GTEST_PROP(AnyBytes, AreReadOrRefused, ()) {
  // Whatever arrives, a reader answers with a value or with its own error.
  const Bytes bytes = *any_bytes();
  BytesView in = bytes;
  detail::read_varint(in);
  in = bytes;
  detail::read_sized(in);
  detail::decode_base64(bytes);
  detail::hash_bytes(bytes);
  const Partition partition = partition_for_key(bytes, 7);
  RC_ASSERT(partition >= Partition(0) && partition < Partition(7));
  try {
    shop::Line line;
    Serde<shop::Line>().deserialize(bytes, line);
  } catch (const SerdeError&) {
  }
}

RC_GTEST_PROP(AnyBytes, DamagedJsonIsReadOrRefused, (std::size_t at, char byte)) {
  // One byte changed in a good document: a value or SerdeError, nothing else.
  Bytes text = R"({"amount":1.5e3,"number":-12,"tags":["a\u00e9",""],"text":"x\"y"})";
  text[at % text.size()] = byte;
  try {
    shop::Line line;
    Serde<shop::Line>().deserialize(text, line);
  } catch (const SerdeError&) {
  }
}

}  // namespace
}  // namespace millrace
