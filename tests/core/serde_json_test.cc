#include "millrace/serde_json.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "millrace/serde.h"

namespace shop {

struct Item {
  std::string name;
  int count = 0;
  friend bool operator==(const Item&, const Item&) = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Item, name, count)

struct Order {
  std::string id;
  double total = 0;
  std::vector<Item> items;
  std::map<std::string, std::int64_t> notes;
  friend bool operator==(const Order&, const Order&) = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Order, id, total, items, notes)

// The macro written inside the class.
class Account {
 public:
  std::int64_t balance = 0;
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(Account, balance)
};

// Item as it is a release later.
struct ItemWithPrice {
  std::string name;
  int count = 0;
  double price = 9.5;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ItemWithPrice, name, count, price)

// Written by hand; leaves what the document lacks.
struct Patch {
  std::string text = "none";
};
inline void to_json(nlohmann::json& to, const Patch& patch) { to = {{"text", patch.text}}; }
inline void from_json(const nlohmann::json& from, Patch& patch) {
  if (from.contains("text")) from.at("text").get_to(patch.text);
}

struct Throwing {};
inline void to_json(nlohmann::json&, const Throwing&) { throw std::logic_error("by the user"); }
inline void from_json(const nlohmann::json&, Throwing&) { throw std::logic_error("by the user"); }

// Converts, and has a serde of its own all the same.
struct Compact {
  int number = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Compact, number)

struct Plain {};

}  // namespace shop

// Adapted from outside, for a type that has no functions of its own.
struct Foreign {
  int number = 0;
};
template <>
struct nlohmann::adl_serializer<Foreign> {
  static void to_json(json& to, const Foreign& value) { to = value.number; }
  static void from_json(const json& from, Foreign& value) { from.get_to(value.number); }
};

template <>
struct millrace::Serde<shop::Compact> {
  void serialize(const shop::Compact& c, Bytes& out) const { out = std::to_string(c.number); }
  void deserialize(BytesView in, shop::Compact& c) const { c.number = std::stoi(std::string(in)); }
};

namespace millrace {
namespace {

using nlohmann::json;
using shop::Item;
using shop::Order;

template <class T>
Bytes write(const T& value) {
  Bytes out;
  Serde<T>().serialize(value, out);
  return out;
}

template <class T>
T read(BytesView in) {
  T value{};
  Serde<T>().deserialize(in, value);
  return value;
}

template <class T>
std::string error_of(BytesView in) {
  try {
    read<T>(in);
  } catch (const SerdeError& e) {
    return e.what();
  }
  return "no error";
}

TEST(JsonSerde, IsFoundForWhatNlohmannConverts) {
  // Structs, containers of structs, the document itself; and nothing else.
  static_assert(HasSerde<Order> && HasSerde<shop::Account> && HasSerde<Foreign>);
  static_assert(HasSerde<std::vector<Order>> && HasSerde<std::map<std::string, Order>>);
  static_assert(HasSerde<std::pair<std::string, Item>> && HasSerde<json>);
  static_assert(!HasSerde<shop::Plain> && !HasSerde<std::vector<shop::Plain>>);
  static_assert(!HasSerde<std::string_view> && !HasSerde<std::uint64_t>);
}

TEST(JsonSerde, LeavesOtherSerdesAlone) {
  // With this header included strings are still raw bytes, numbers Java's, optional "null or T";
  // the user's own serde wins.
  EXPECT_EQ(write<std::string>("a\"\xff"), "a\"\xff");
  EXPECT_EQ(write<std::int64_t>(1).size(), 8u);
  EXPECT_EQ(write(shop::Compact{7}), "7");
  static_assert(HasSerde<std::optional<Item>> && Nullable<std::optional<Item>>);
  static_assert(!HasSerde<std::optional<shop::Plain>>);
  EXPECT_EQ(write<std::optional<Item>>(Item{"pen", 2}), R"({"count":2,"name":"pen"})");
  EXPECT_EQ(write(NoKey()), "");
}

TEST(JsonSerde, RoundTrips) {
  // Compact text, and from it the same value.
  const Order order{"o-1", 12.5, {{"pen", 2}, {"Tüte", 1}}, {{"a", -1}, {"b", 1LL << 60}}};
  const Bytes text = write(order);
  EXPECT_EQ(text, R"({"id":"o-1","items":[{"count":2,"name":"pen"},{"count":1,"name":"Tüte"}],)"
                  R"("notes":{"a":-1,"b":1152921504606846976},"total":12.5})");
  EXPECT_EQ(read<Order>(text), order);
  EXPECT_EQ((read<std::vector<Item>>(write(order.items))), order.items);
  EXPECT_EQ(read<shop::Account>(write(shop::Account{5})).balance, 5);
  EXPECT_EQ(read<Foreign>("17").number, 17);
}

TEST(JsonSerde, ReadsAnyDocument) {
  // All kinds of values in all places; of equal member names the last stands.
  const std::string text =
      R"( {"a":[null,true,false,-1,18446744073709551615,1.5e3,"x\u00e4\n",[],{}],"b":{"c":{"d":[[1],[2]]}}} )";
  EXPECT_EQ(read<json>(text), json::parse(text));
  EXPECT_EQ(read<json>(R"({"a":{"b":1},"c":2,"a":[3]})"), (json{{"a", {3}}, {"c", 2}}));
  for (const char* scalar : {"null", "true", "0", "-1.5", R"("")", "[]", "{}"}) {
    EXPECT_EQ(write(read<json>(scalar)), scalar);
  }
}

TEST(JsonSerde, AppendsAndOverwrites) {
  // What a serde promises: the buffer is kept, the value is not.
  Bytes out = "before ";
  Serde<Item>().serialize({"pen", 2}, out);
  EXPECT_EQ(out, R"(before {"count":2,"name":"pen"})");
  shop::Patch patch;
  Serde<shop::Patch>().deserialize(R"({"text":"of another record"})", patch);
  Serde<shop::Patch>().deserialize("{}", patch);
  EXPECT_EQ(patch.text, "none");
}

TEST(JsonSerde, NewFieldsLeaveOldStateReadable) {
  // With the WITH_DEFAULT macros old bytes give the default, and newer bytes are read as well.
  const auto item = read<shop::ItemWithPrice>(write(Item{"pen", 2}));
  EXPECT_EQ(item.name, "pen");
  EXPECT_EQ(item.price, 9.5);
  EXPECT_EQ(read<Item>(R"({"name":"pen","count":2,"price":1,"tags":["a"]})"), (Item{"pen", 2}));
  EXPECT_EQ(read<Item>("{}"), Item());
}

TEST(JsonSerde, SaysWhatDoesNotFit) {
  // A wrong type, a missing member, another kind of document: SerdeError with the reason, and the
  // value is as it was.
  EXPECT_EQ(error_of<Item>(R"({"name":"pen","count":"two"})"),
            "millrace: JSON of another shape: type must be number, but is string");
  EXPECT_EQ(error_of<Order>(R"({"id":"1","total":1,"items":[]})"),
            "millrace: JSON of another shape: key 'notes' not found");
  EXPECT_EQ(error_of<Item>("null"),
            "millrace: JSON of another shape: cannot use value() with null");
  EXPECT_EQ(error_of<std::vector<Item>>("{}"),
            "millrace: JSON of another shape: type must be array, but is object");
  Item item{"pen", 2};
  EXPECT_THROW(Serde<Item>().deserialize(R"({"name":"ink","count":[]})", item), SerdeError);
  EXPECT_EQ(item, (Item{"pen", 2}));
}

TEST(JsonSerde, SaysWhereTextIsNotJson) {
  // The position in bytes and the reason.
  EXPECT_EQ(error_of<json>(R"({"a":1)"),
            "millrace: not JSON: byte 7: while parsing object - unexpected end of input; "
            "expected '}'");
  EXPECT_EQ(error_of<json>("[1,2"),
            "millrace: not JSON: byte 5: while parsing array - unexpected "
            "end of input; expected ']'");
  EXPECT_EQ(error_of<json>("[1e999]"), "millrace: not JSON: byte 6: a number out of range");
  EXPECT_EQ(error_of<json>(std::string(65, '[')), "millrace: JSON of more than 64 levels");
  for (const char* text : {"",
                           " ",
                           "{",
                           "}",
                           "nul",
                           "NaN",
                           "[NaN]",
                           "-Infinity",
                           "1 2",
                           "{}x",
                           "'a'",
                           "[1,]",
                           "{\"a\"}",
                           "{a:1}",
                           "\"",
                           "\"\\x\"",
                           "\"\xff\"",
                           "\"\xc3\"",
                           "\"\xed\xa0\x80\"",
                           "\"\n\"",
                           "01",
                           "// no",
                           "\xef\xbb",
                           "-"}) {
    EXPECT_THROW(read<json>(text), SerdeError) << text;
  }
}

TEST(JsonSerde, NeverQuotesTheRecord) {
  // Errors go to logs and dead-letter headers; what is in the record does not.
  for (const char* text :
       {"s3cret", R"({"name":s3cret})", R"({"name":"s3cret)",
        R"({"name":"s3cret","count":"s3cret"})", R"({"s3cret":1 "s3cret"})",
        R"({"count":["s3cret"]})", R"(["s3cret"])", R"("s3cret"x)", R"({"name":"s3cret\x"})",
        "[\"s3cret\xff\"]", R"({"count":{"s3cret":1}})", R"(["; last read: 's3cret'"s3cret)"}) {
    const std::string error = error_of<Item>(text);
    EXPECT_NE(error, "no error") << text;
    EXPECT_EQ(error.find("s3cret"), std::string::npos) << error;
    EXPECT_EQ(error.find("3cr"), std::string::npos) << error;
  }
  // A number is refused with its digits kept back, too.
  EXPECT_EQ(error_of<json>("[123456e789]").find("123456"), std::string::npos);
}

TEST(JsonSerde, PassesOnWhatTheUserThrows) {
  // Only nlohmann's exceptions are translated.
  EXPECT_THROW(write(shop::Throwing()), std::logic_error);
  EXPECT_THROW(read<shop::Throwing>("{}"), std::logic_error);
}

TEST(JsonSerde, RefusesToWriteWhatCannotBeReadBack) {
  // NaN, infinity and broken UTF-8 are errors when written, and nothing is appended: else they
  // would lie in a store as what no one can read.
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  Bytes out = "before";
  for (const double total : {nan, infinity, -infinity}) {
    EXPECT_THROW(Serde<Order>().serialize({"o", total, {}, {}}, out), SerdeError);
  }
  for (const char* text :
       {"\xff", "\xc3", "a\xc3(", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xc0\xaf"}) {
    EXPECT_THROW(Serde<Item>().serialize({text, 1}, out), SerdeError) << text;
    EXPECT_THROW(Serde<Order>().serialize({"o", 0, {}, {{text, 1}}}, out), SerdeError) << text;
    EXPECT_THROW(Serde<Order>().serialize({"o", 0, {{text, 1}}, {}}, out), SerdeError) << text;
  }
  EXPECT_THROW(Serde<json>().serialize(json::binary({1, 2}), out), SerdeError);
  EXPECT_EQ(out, "before");
  EXPECT_EQ(write(Item{std::string("\0\x7f", 2), 1}), "{\"count\":1,\"name\":\"\\u0000\x7f\"}");
}

TEST(JsonSerde, HasNoIdentity) {
  // JSON is not canonical: bytes of a JSON key are never reused for those of another serde.
  static_assert(!detail::is_canonical<Serde<Item>>() && !detail::is_canonical<Serde<json>>());
  EXPECT_EQ(default_serde<Item>().identity(), nullptr);
  EXPECT_EQ(default_serde<json>().identity(), nullptr);
  EXPECT_EQ(default_serde<std::optional<Item>>().identity(), nullptr);
  EXPECT_EQ(AnySerde<std::optional<Item>>(Serde<Item>()).identity(), nullptr);
}

}  // namespace
}  // namespace millrace
