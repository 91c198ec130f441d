#include "millrace/dsl/detail/table_group_by.h"

#include "dsl/table_support.h"
#include "millrace/detail/sink_node.h"
#include "millrace/dsl/detail/change_serde.h"

namespace millrace::testing {
namespace {

Text plus(Text aggregate, const Text& value) { return Text(aggregate.chars + '+' + value.chars); }
Text minus(Text aggregate, const Text& value) { return Text(aggregate.chars + '-' + value.chars); }
Text add(const Text& value, Text aggregate) { return plus(std::move(aggregate), value); }
Text subtract(const Text& value, Text aggregate) { return minus(std::move(aggregate), value); }

KeyValue<std::string, Text> by_first_letter(const Text& text) { return {first_letter(text), text}; }
KeyValue<std::string, Text> by_value(const Text& text) { return {text.chars, text}; }

// A row that changes in its group is taken out and put in again; one that moves leaves first; the
// aggregate's time never goes back (R-KT5, R-KT6).
TEST(TableGroupBy, Aggregates) {
  StreamsBuilder builder;
  show(text_table(builder, "I")
           .group_by("g", by_first_letter)
           .aggregate("sums", Text("0"), add, subtract));
  expect_trace(*builder.graph(), R"(
    I:k1=a1@10 -> (a,0+a1)@10
    I:k2=a2@20 -> (a,0+a1+a2)@20
    I:k1=a3@15 -> (a,0+a1+a2-a1+a3)@20
    I:k1=b1@30 -> (a,0+a1+a2-a1+a3-a3)@30, (b,0+b1)@30
    I:k2=null@5 -> (a,0+a1+a2-a1+a3-a3-a2)@30
    I:k1=null@40 -> (b,0+b1-b1)@40
    I:k3=c1@50 -> (c,0+c1)@50
    I:k3=c1@51 -> (c,0+c1-c1+c1)@51
  )");
}

// Counts fall to 0 and never vanish; a row that keeps its value still makes a result.
TEST(TableGroupBy, Counts) {
  StreamsBuilder builder;
  show(text_table(builder, "I").group_by("g", by_value).count("n"));
  expect_trace(*builder.graph(), R"(
    I:k1=a@1 -> (a,1)@1
    I:k2=a@2 -> (a,2)@2
    I:k1=b@3 -> (a,1)@3, (b,1)@3
    I:k2=null@4 -> (a,0)@4
    I:k1=a@5 -> (b,0)@5, (a,1)@5
    I:k1=a@6 -> (a,1)@6
  )");
}

// The first value of a group is its first aggregate; later ones go through the functions.
TEST(TableGroupBy, Reduces) {
  StreamsBuilder builder;
  show(text_table(builder, "I")
           .group_by("g",
                     [](const Text& text) {
                       return KeyValue{std::string("g"), text};
                     })
           .reduce("sum", plus, minus));
  expect_trace(*builder.graph(), R"(
    I:k1=a@1 -> (g,a)@1
    I:k2=b@2 -> (g,a+b)@2
    I:k1=c@3 -> (g,a+b-a+c)@3
    I:k2=null@4 -> (g,a+b-a+c-b)@4
    I:k1=null@5 -> (g,a+b-a+c-b-c)@5
  )");
}

// A function that returns null deletes the group; nothing is subtracted from a group that is not
// there, and the answer goes out all the same.
TEST(TableGroupBy, ReducesToNull) {
  StreamsBuilder builder;
  show(text_table(builder, "T")
           .group_by("g", by_first_letter)
           .reduce(
               "last", [](Text, const Text& value) { return value; },
               [](Text, const Text&) { return Text::none(); }));
  expect_trace(*builder.graph(), R"(
    T:k1=a1@1 -> (a,a1)@1
    T:k2=a2@2 -> (a,a2)@2
    T:k1=a3@3 -> (a,a3)@3
    T:k1=b@4 -> (a,null)@4, (b,b)@4
    T:k2=null@5 -> (a,null)@5
    T:k1=null@6 -> (b,null)@6
  )");
}

// An aggregator that returns std::nullopt deletes; the next value begins anew, with its own time.
TEST(TableGroupBy, OptionalAggregateDeletes) {
  StreamsBuilder builder;
  show(text_table(builder, "T")
           .group_by("g", by_first_letter)
           .aggregate(
               "sums", [] { return std::int64_t{10}; },
               [](const Text&, std::int64_t n) { return n + 1; },
               [](const std::string&, const Text&, std::int64_t n) -> std::optional<std::int64_t> {
                 if (n == 11) return std::nullopt;
                 return n - 1;
               }));
  expect_trace(*builder.graph(), R"(
    T:k1=a@7 -> (a,11)@7
    T:k1=null@9 -> (a,null)@9
    T:k1=a@3 -> (a,11)@3
  )");
}

// A null group or a null value: the row is in no group (R-KT5).
TEST(TableGroupBy, NullGroupOrValueIsSkipped) {
  StreamsBuilder builder;
  text_table(builder, "I")
      .group_by("g",
                [](const Text& text) {
                  return KeyValue{text.chars == "x" ? Text::none() : text, text};
                })
      .count("n")
      .map_values([](std::int64_t n) { return std::to_string(n); })
      .to_stream()
      .to("o");
  expect_trace(*builder.graph(), R"(
    I:k1=a@1 -> (a,1)@1
    I:k1=x@2 -> (a,0)@2
    I:k1=b@3 -> (b,1)@3
  )");

  StreamsBuilder values;
  show(text_table(values, "T")
           .group_by(
               "g",
               [](const std::string& key, const Text& text) {
                 return KeyValue{key.substr(0, 1), text.chars.front() == 'x' ? Text::none() : text};
               })
           .aggregate("sums", Text(""), add, subtract));
  expect_trace(*values.graph(), R"(
    T:k1=a@1 -> (k,+a)@1
    T:k1=x@2 -> (k,+a-a)@2
    T:k1=x2@3 -> .
    T:k1=b@4 -> (k,+a-a+b)@4
    T:k2=x@5 -> .
    T:k2=c@6 -> (k,+a-a+b+c)@6
    T:k2=null@7 -> (k,+a-a+b+c-c)@7
  )");
}

// What a filter rejects is in no group; old values reach through operators that are not kept.
TEST(TableGroupBy, OldValuesReachThroughOperators) {
  StreamsBuilder builder;
  show(text_table(builder, "I")
           .filter_not([](const Text& text) { return text.chars.front() == 'z'; })
           .map_values([](const Text& text) { return Text(text.chars); })
           .group_by("g", by_first_letter)
           .count("n"));
  expect_trace(*builder.graph(), R"(
    I:k1=a1@1 -> (a,1)@1
    I:k1=z1@2 -> (a,0)@2
    I:k1=a2@3 -> (a,1)@3
    I:k1=a3@4 -> (a,1)@4
    I:k2=z@5 -> .
  )");
}

// The result of one grouping can be grouped again: its node knows its old values.
TEST(TableGroupBy, GroupsOfGroups) {
  StreamsBuilder builder;
  show(text_table(builder, "I")
           .group_by("g", by_value)
           .count("n")
           .group_by("h",
                     [](std::int64_t n) {
                       return KeyValue{std::to_string(n), n};
                     })
           .count("m"));
  expect_trace(*builder.graph(), R"(
    I:k1=a@1 -> (1,1)@1
    I:k2=b@2 -> (1,2)@2
    I:k2=a@3 -> (1,1)@3, (0,1)@3, (1,0)@3, (2,1)@3
  )");
}

// A stream's count tells no old value of a brand-new key, so nothing is taken out of a group that
// it was never in (quirk Q5, fixed).
TEST(TableGroupBy, BrandNewCountHasNoOldValue) {
  StreamsBuilder builder;
  show(builder.stream<std::string, std::string>("I")
           .group_by_key()
           .count("n")
           .group_by("g",
                     [](std::int64_t n) {
                       return KeyValue{std::to_string(n), n};
                     })
           .count("m"));
  expect_trace(*builder.graph(), R"(
    I:a=x@1 -> (1,1)@1
    I:b=x@2 -> (1,2)@2
    I:a=x@3 -> (1,1)@3, (2,1)@3
  )");
}

// --- the internal topic
// ----------------------------------------------------------------------------

std::string hex_of(const std::optional<std::string>& before,
                   const std::optional<std::string>& now) {
  detail::ChangeSerde<std::string> serde{AnySerde<std::string>(Serde<std::string>())};
  Bytes out;
  serde.serialize({.now = now, .before = before}, out);
  return to_hex(out);
}

std::string read_hex(std::string_view hex) {
  detail::ChangeSerde<std::string> serde{AnySerde<std::string>(Serde<std::string>())};
  detail::GroupChange<std::string> change{.now = "stale", .before = "stale"};
  serde.deserialize(from_hex(hex), change);
  return change.before.value_or("-") + '>' + change.now.value_or("-");
}

// The bytes of a change are Java's (SEMANTICS §3.5).
TEST(ChangeSerde, GoldenBytes) {
  EXPECT_EQ(hex_of(std::nullopt, "a1"), "613101");
  EXPECT_EQ(hex_of("a1", "a2"), "046132613102");
  EXPECT_EQ(hex_of("b1", std::nullopt), "623100");
  EXPECT_EQ(hex_of("", ""), "0002");
  EXPECT_EQ(hex_of("\xE6\x97\xA5\xE6\x9C\xAC", "\xE6\x97\xA5\xE6\x9B\x9C"),
            "0ce697a5e69b9ce697a5e69cac02");
  const std::string longer(100, 'x');
  EXPECT_EQ(hex_of("o", longer), "c801" + to_hex(longer) + "6f02");
}

// A reader takes what any of Kafka's versions wrote, and what was read before does not show
// through.
TEST(ChangeSerde, ReadsAllLayouts) {
  EXPECT_EQ(read_hex("613101"), "->a1");
  EXPECT_EQ(read_hex("046132613102"), "a1>a2");
  EXPECT_EQ(read_hex("623100"), "b1>-");
  EXPECT_EQ(read_hex("62310003"), "b1>-");
  EXPECT_EQ(read_hex("62310104"), "->b1");
  EXPECT_EQ(read_hex("046132613100"
                     "05"),
            "a1>a2");
  EXPECT_EQ(read_hex("046132613101"
                     "05"),
            "a1>a2");
  EXPECT_EQ(read_hex("00"), ">-");
  EXPECT_EQ(read_hex("01"), "->");
}

// Bytes that no writer made are refused, never read past their end.
TEST(ChangeSerde, RefusesOtherBytes) {
  for (const char* hex : {"", "06", "ff", "6106", "03", "04", "05", "610204", "02", "0a6102",
                          "8002", "016102", "ffffffffff02"}) {
    EXPECT_THROW(read_hex(hex), SerdeError) << hex;
  }
}

// What a grouped table sends is what Java sends, record by record: an insertion, a change within
// the group, a move, a deletion.
TEST(TableGroupBy, SendsJavasBytes) {
  StreamsBuilder builder;
  const auto table = text_table(builder, "T", "rows");
  using Message = detail::GroupChange<Text>;
  const AnySerde<std::string> keys = Serde<std::string>();
  const auto changes = detail::add_below(
      table, "group_by", {},
      new detail::TableGroupByNode<std::string, Text, std::string, Text,
                                   decltype(&by_first_letter)>(&by_first_letter, keys));
  builder.graph()->add_sink({"to", {}, {}}, changes.node(), "o",
                            new graph::SinkNode<std::string, Message>(
                                {.topic = "o",
                                 .key_serde = keys,
                                 .value_serde = detail::ChangeSerde<Text>(Serde<Text>()),
                                 .partitioner = {},
                                 .repartition = true}));
  FakeTask task(*builder.graph());
  std::string sent;
  for (const char* value : {"a1", "a2", "b1", "null"}) {
    task.pipe("T", "k", trace_bytes(value), 1);
    for (const auto& record : task.take()) {
      sent += *record.key + '=' + to_hex(record.value.value_or("null")) + ' ';
    }
  }
  EXPECT_EQ(sent, "a=613101 a=046132613102 a=613200 b=623101 b=623100 ");
}

}  // namespace
}  // namespace millrace::testing
