#include "millrace/serde.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "millrace/topic.h"

// A type whose serde claims null: it carries Kafka's null itself.
struct Maybe {
  bool deleted = false;
  std::string text;
};

template <>
struct millrace::Serde<Maybe> {
  void serialize(const Maybe& m, Bytes& out) const { out.append(m.text); }
  void deserialize(BytesView in, Maybe& m) const { m = {false, std::string(in)}; }
  static bool is_null(const Maybe& m) { return m.deleted; }
  static void set_null(Maybe& m) { m = {true, ""}; }
};

struct Celsius {
  double degrees = 0;
};

// The example at the top of serde.h.
template <>
struct millrace::Serde<Celsius> {
  void serialize(const Celsius& c, Bytes& out) { number_.serialize(c.degrees, out); }
  void deserialize(BytesView in, Celsius& c) { number_.deserialize(in, c.degrees); }
  Serde<double> number_;
};

namespace millrace {
namespace {

struct NoSerde {};

template <class T>
std::string hex_of(const T& value) {
  Bytes out;
  Serde<T>().serialize(value, out);
  return to_hex(out);
}

template <class T>
T read(std::string_view hex) {
  T value{};
  Serde<T>().deserialize(from_hex(hex), value);
  return value;
}

template <class T>
void expect_golden(const T& value, std::string_view hex) {
  EXPECT_EQ(hex_of(value), hex);
  EXPECT_EQ(read<T>(hex), value) << hex;
}

TEST(BuiltInSerdes, WriteTheBytesOfJavas) {
  // SEMANTICS §3.11: a topic may be shared with Java programs.
  expect_golden<std::int16_t>(258, "0102");
  expect_golden<std::int16_t>(-1, "ffff");
  expect_golden<std::int32_t>(16909060, "01020304");
  expect_golden<std::int32_t>(std::numeric_limits<std::int32_t>::min(), "80000000");
  expect_golden<std::int64_t>(1, "0000000000000001");
  expect_golden<std::int64_t>(-2, "fffffffffffffffe");
  expect_golden<std::int64_t>(std::numeric_limits<std::int64_t>::max(), "7fffffffffffffff");
  expect_golden<float>(1.5F, "3fc00000");
  expect_golden<float>(-std::numeric_limits<float>::infinity(), "ff800000");
  expect_golden<double>(1.5, "3ff8000000000000");
  expect_golden<double>(-0.1, "bfb999999999999a");
  expect_golden<bool>(true, "01");
  expect_golden<bool>(false, "00");
  expect_golden<std::string>("", "");
  expect_golden<std::string>("Zürich", "5ac3bc72696368");
  expect_golden<Bytes>(Bytes("\0\xff", 2), "00ff");
}

TEST(BuiltInSerdes, TellZerosApartAndWriteOneNaN) {
  // Keys are equal when their bytes are: -0.0 is another key than 0.0. NaN of double has one
  // spelling, as in Java; NaN of float keeps its bits, as in Java.
  EXPECT_EQ(hex_of(0.0), "0000000000000000");
  EXPECT_EQ(hex_of(-0.0), "8000000000000000");
  EXPECT_EQ(hex_of(-std::numeric_limits<double>::quiet_NaN()), "7ff8000000000000");
  EXPECT_EQ(hex_of(read<double>("7ff0000000000001")), "7ff8000000000000");
  EXPECT_EQ(hex_of(read<float>("ffc00001")), "ffc00001");
}

TEST(BuiltInSerdes, RefuseEveryOtherLength) {
  // Bytes of another type are an error, never a number; the message says what and how many.
  EXPECT_THROW(read<std::int16_t>("01"), SerdeError);
  EXPECT_THROW(read<std::int32_t>("0102030405"), SerdeError);
  EXPECT_THROW(read<std::int64_t>(""), SerdeError);
  EXPECT_THROW(read<float>("0000000000000000"), SerdeError);
  EXPECT_THROW(read<double>("00000000"), SerdeError);
  EXPECT_THROW(read<bool>(""), SerdeError);
  EXPECT_THROW(read<bool>("0001"), SerdeError);
  EXPECT_THROW(read<bool>("02"), SerdeError);
  try {
    read<std::int64_t>("7365637265");
    FAIL();
  } catch (const SerdeError& e) {
    EXPECT_STREQ(e.what(), "millrace: a 64-bit integer takes 8 bytes, not 5");
  }
}

TEST(Serdes, AppendWhenWritingAndOverwriteWhenReading) {
  // A key is often built in a buffer that holds something already; a value is read many times
  // into one variable.
  Bytes out = "k";
  Serde<std::int16_t>().serialize(10, out);
  Serde<std::string>().serialize("v", out);
  EXPECT_EQ(to_hex(out), "6b000a76");
  std::string text = "what was there before";
  Serde<std::string>().deserialize("now", text);
  EXPECT_EQ(text, "now");
  std::optional<std::string> maybe = "before";
  Serde<std::optional<std::string>>().deserialize("", maybe);
  EXPECT_EQ(maybe, "");
}

TEST(Serdes, AreFoundOrMissingAtCompileTime) {
  // No type gets a serde by accident: not by conversion, not through optional.
  static_assert(HasSerde<std::string> && HasSerde<std::int64_t> && HasSerde<NoKey>);
  static_assert(HasSerde<std::optional<double>> && HasSerde<Celsius> && HasSerde<Maybe>);
  static_assert(!HasSerde<NoSerde> && !HasSerde<std::optional<NoSerde>>);
  static_assert(!HasSerde<std::uint64_t> && !HasSerde<char> && !HasSerde<std::string_view>);
  static_assert(!HasSerde<const char*> && !HasSerde<long double>);
  static_assert(!SerdeFor<Serde<std::int32_t>, std::int64_t>);
}

TEST(Nullability, IsWhatTheTypeSays) {
  // Only these types see null; of all others it never gets past the source.
  static_assert(Nullable<std::optional<int>> && Nullable<NoKey> && Nullable<Maybe>);
  static_assert(!Nullable<std::string> && !Nullable<std::int64_t> && !Nullable<Celsius>);
  EXPECT_FALSE(is_null(std::string()));
  EXPECT_FALSE(is_null(0));
  EXPECT_TRUE(is_null(NoKey()));
  EXPECT_TRUE(is_null(std::optional<std::string>()));
  EXPECT_FALSE(is_null(std::optional<std::string>("")));
  EXPECT_TRUE(is_null(Maybe{true, ""}));
  EXPECT_FALSE(is_null(Maybe{false, ""}));
}

TEST(Nullability, SettingNullMakesNull) {
  // Whatever the value held before.
  std::optional<std::string> text = "before";
  set_null(text);
  EXPECT_TRUE(is_null(text));
  Maybe maybe{false, "before"};
  set_null(maybe);
  EXPECT_TRUE(is_null(maybe));
  NoKey key;
  set_null(key);
  EXPECT_TRUE(is_null(key));
}

TEST(Nullability, EmptyPayloadIsAValue) {
  // An empty string is written as no bytes and read back as an empty string, not as null.
  const std::optional<std::string> empty = "";
  EXPECT_EQ(hex_of(empty), "");
  EXPECT_EQ(read<std::optional<std::string>>(""), empty);
}

TEST(NoKeySerde, WritesNothingAndIgnoresWhatItReads) {
  // A topic without keys may be one that others write with keys.
  EXPECT_EQ(hex_of(NoKey()), "");
  EXPECT_EQ(read<NoKey>("6b6579"), NoKey());
}

// Numbers what it writes: each copy from where it was copied.
struct Numbering {
  int count = 0;
  void serialize(const std::string& value, Bytes& out) {
    out.append(std::to_string(++count) + value);
  }
  void deserialize(BytesView in, std::string& value) { value.assign(in.substr(1)); }
};

// Takes an argument.
struct Prefixed {
  char prefix;
  void serialize(const std::string& value, Bytes& out) const { out.append(prefix + value); }
  void deserialize(BytesView in, std::string& value) const {
    if (in.empty() || in[0] != prefix) throw SerdeError("another prefix");
    value.assign(in.substr(1));
  }
};

struct Upper {
  void serialize(const std::string& value, Bytes& out) const { out.append(value); }
  void deserialize(BytesView in, std::string& value) const { value.assign(in); }
};

struct Loose : Upper {
  static constexpr bool canonical = false;
};

struct Arguable : Prefixed {
  static constexpr bool canonical = true;
};

template <class T>
std::string written(AnySerde<T>& serde, const T& value) {
  Bytes out;
  serde.serialize(value, out);
  return out;
}

TEST(AnySerdes, CopiesAreIndependent) {
  // Every task has its own copy: what one serde keeps, another does not see.
  AnySerde<std::string> first = Numbering{};
  EXPECT_EQ(written<std::string>(first, "a"), "1a");
  AnySerde<std::string> second = first;
  EXPECT_EQ(written<std::string>(first, "a"), "2a");
  EXPECT_EQ(written<std::string>(first, "a"), "3a");
  EXPECT_EQ(written<std::string>(second, "a"), "2a");
  second = first;
  EXPECT_EQ(written<std::string>(second, "a"), "4a");
  EXPECT_EQ(written<std::string>(first, "a"), "4a");
  const AnySerde<std::string> moved = std::move(first);
  EXPECT_TRUE(moved);
}

TEST(AnySerdes, IdentityPromisesEqualBytes) {
  // Equal only for serdes of one type without arguments that are canonical. Bytes are reused on
  // its strength, so anything doubtful has none.
  const AnySerde<std::string> built_in = Serde<std::string>{};
  const AnySerde<std::string> same = default_serde<std::string>();
  const AnySerde<std::string> other = Upper{};
  ASSERT_NE(built_in.identity(), nullptr);
  EXPECT_EQ(built_in.identity(), same.identity());
  EXPECT_EQ(built_in.identity(), AnySerde<std::string>(built_in).identity());
  ASSERT_NE(other.identity(), nullptr);
  EXPECT_NE(built_in.identity(), other.identity());
  EXPECT_NE(default_serde<std::int64_t>().identity(), default_serde<double>().identity());

  EXPECT_EQ(AnySerde<std::string>(Prefixed{'x'}).identity(), nullptr);
  EXPECT_EQ(AnySerde<std::string>(Numbering{}).identity(), nullptr);
  EXPECT_EQ(AnySerde<std::string>(Loose{}).identity(), nullptr);
  // Two of these may differ in their argument, whatever they say of themselves.
  EXPECT_EQ(AnySerde<std::string>(Arguable{{'x'}}).identity(), nullptr);
  EXPECT_EQ(AnySerde<std::optional<std::string>>(Loose{}).identity(), nullptr);
}

TEST(AnySerdes, OptionalTakesASerdeOfWhatItMayHold) {
  // A table's value serde is named once, for V, and serves optional<V> too.
  AnySerde<std::optional<std::string>> serde = Prefixed{'>'};
  EXPECT_EQ(written<std::optional<std::string>>(serde, "a"), ">a");
  std::optional<std::string> value;
  serde.deserialize(">b", value);
  EXPECT_EQ(value, "b");
  EXPECT_THROW(serde.deserialize("b", value), SerdeError);

  const AnySerde<std::string> inner = Prefixed{'<'};
  AnySerde<std::optional<std::string>> wrapped = inner;
  EXPECT_EQ(written<std::optional<std::string>>(wrapped, "a"), "<a");
}

TEST(AnySerdes, NoneNamedStaysNoneNamed) {
  // An option left out is seen as left out, also through the conversion to optional.
  const AnySerde<std::string> none;
  EXPECT_FALSE(none);
  EXPECT_FALSE(AnySerde<std::string>(none));
  EXPECT_FALSE(AnySerde<std::optional<std::string>>(none));
  EXPECT_TRUE(default_serde<std::string>());
}

TEST(AnySerdes, KeepTheSerdesOwnState) {
  // The user's example with a serde inside a serde.
  AnySerde<Celsius> serde = default_serde<Celsius>();
  Celsius read_back;
  serde.deserialize(written(serde, Celsius{36.6}), read_back);
  EXPECT_EQ(read_back.degrees, 36.6);
}

TEST(Topics, NameTheirSerdesOrTakeTheTypes) {
  // A topic says which bytes lie in it; what is not named follows from the type.
  const Topic<std::string, std::string> plain("orders");
  EXPECT_EQ(plain.name(), "orders");
  EXPECT_EQ(plain.serdes().key.identity(), default_serde<std::string>().identity());
  const Topic<std::string, std::string> named("orders", {.value = Prefixed{'!'}});
  AnySerde<std::string> serde = named.serdes().value;
  EXPECT_EQ(written<std::string>(serde, "a"), "!a");
  const Topic<std::string, NoSerde> copied_bytes("raw", {.value = {}});
  EXPECT_FALSE(copied_bytes.serdes().value);
}

}  // namespace
}  // namespace millrace
