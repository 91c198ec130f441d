#include <algorithm>

#include "dsl/table_support.h"

namespace millrace::testing {
namespace {

Text inner(const Text& left, const Text& right) { return Text(left.chars + '-' + right.chars); }
Text left(const Text& left, const Text* right) {
  return Text(left.chars + '-' + (right == nullptr ? "null" : right->chars));
}

// The stream L joined with the table R; results in topic "o".
enum class Kind { kInner, kLeft };
void joined(StreamsBuilder& builder, const TextTable& table, Kind kind) {
  const auto stream = builder.stream<std::string, Text>("L");
  if (kind == Kind::kInner) {
    stream.join(table, inner).to("o");
  } else {
    stream.left_join(table, left).to("o");
  }
}

// --- the script of 23 records
// -------------------------------------------------------------------------

// Kafka Streams' own scenario: disorder, deletions and nulls on both sides. Only the stream's
// records make results, with the row that is there at that moment, whatever its time (R-ST1 to
// R-ST3).
TEST(StreamTableJoin, ScriptInner) {
  StreamsBuilder builder;
  joined(builder, text_table(builder, "R"), Kind::kInner);
  expect_trace(*builder.graph(), R"(
    L:k=null@1 R:k=null@2 L:k=A@3 R:k=a@4 L:k=B@5 -> (k,B-a)@5
    R:k=b@6 L:k=null@7 R:k=null@8 L:k=C@9 R:k=c@10 R:k=null@11 L:k=null@12 R:k=null@13 -> .
    R:k=d@7 L:k=D@6 -> (k,D-d)@6
    L:k=null@2 R:k=null@3 R:k=e@14 L:k=E@15 -> (k,E-e)@15
    L:k=null@10 R:k=null@9 L:k=F@4 R:k=f@3 -> .
  )");
}
TEST(StreamTableJoin, ScriptLeft) {
  StreamsBuilder builder;
  joined(builder, text_table(builder, "R"), Kind::kLeft);
  expect_trace(*builder.graph(), R"(
    L:k=null@1 R:k=null@2 -> .
    L:k=A@3 -> (k,A-null)@3
    R:k=a@4 L:k=B@5 -> (k,B-a)@5
    R:k=b@6 L:k=null@7 R:k=null@8 L:k=C@9 -> (k,C-null)@9
    R:k=c@10 R:k=null@11 L:k=null@12 R:k=null@13 -> .
    R:k=d@7 L:k=D@6 -> (k,D-d)@6
    L:k=null@2 R:k=null@3 R:k=e@14 L:k=E@15 -> (k,E-e)@15
    L:k=null@10 R:k=null@9 L:k=F@4 -> (k,F-null)@4
    R:k=f@3 -> .
  )");
}

// --- nulls
// --------------------------------------------------------------------------------------------

// A record without a key: the left join answers it with an absent right side, the inner join drops
// and counts it. A record without a value: both drop and count it (R-N).
TEST(StreamTableJoin, Nulls) {
  StreamsBuilder builder;
  const KTable<Text, Text> table = builder.table<Text, Text>("T");
  const auto stream = builder.stream<Text, Text>("A");
  stream.left_join(table, left, {.name = "l"}).to("o1");
  stream.join(table, inner, {.name = "i"}).to("o2");
  expect_trace(*builder.graph(), R"(
    A:null=a@1 -> o1:(null,a-null)@1
    T:k=t@9 A:k=b@2 -> o1:(k,b-t)@2, o2:(k,b-t)@2
    A:k=null@3 -> .
  )");
  FakeTask task(*builder.graph());
  task.pipe("A", std::nullopt, "a", 1);
  task.pipe("A", "k", std::nullopt, 2);
  task.pipe("A", std::nullopt, std::nullopt, 3);
  using graph::DropReason;
  EXPECT_EQ(task.dropped("l", DropReason::kNullKey), 0);
  EXPECT_EQ(task.dropped("l", DropReason::kNullValue), 2);
  EXPECT_EQ(task.dropped("i", DropReason::kNullKey) + task.dropped("i", DropReason::kNullValue), 3);
}

// --- what is joined
// -----------------------------------------------------------------------------------

// A table that is not kept answers look-ups by asking the kept one above it.
TEST(StreamTableJoin, LooksThroughOperators) {
  StreamsBuilder builder;
  const auto table = text_table(builder, "R")
                         .filter([](const Text& text) { return text.chars.size() % 2 == 0; })
                         .map_values([](const Text& text) { return Text('+' + text.chars); })
                         .filter_not([](const Text& text) { return text.chars == "+zz"; });
  joined(builder, table, Kind::kLeft);
  expect_trace(*builder.graph(), R"(
    R:k=ab@1 L:k=1@1 -> (k,1-+ab)@1
    R:k=abc@2 L:k=2@2 -> (k,2-null)@2
    R:k=zz@2 L:k=3@2 -> (k,3-null)@2
    R:k=cdef@1 L:k=4@9 -> (k,4-+cdef)@9
    R:k=null@3 L:k=5@1 -> (k,5-null)@1
  )");
}

// A mapped row may be deleted by its mapper: then there is none to join with.
TEST(StreamTableJoin, MappedAwayRowIsAbsent) {
  StreamsBuilder builder;
  const auto table = text_table(builder, "R").map_values([](const Text& text) {
    return text.chars == "x" ? Text::none() : text;
  });
  joined(builder, table, Kind::kLeft);
  expect_trace(*builder.graph(), R"(
    R:k=x@1 L:k=1@1 -> (k,1-null)@1
    R:k=y@1 L:k=2@1 -> (k,2-y)@1
  )");
}

// A table with a store of its own answers from it, and the one above need not be kept.
TEST(StreamTableJoin, KeptTableAnswersItself) {
  StreamsBuilder builder;
  const auto table = text_table(builder, "R").map_values("lengths", [](const Text& text) {
    return std::to_string(text.chars.size());
  });
  builder.stream<std::string, Text>("L")
      .join(table, [](const std::string& key, const Text& left,
                      const std::string& right) { return key + left.chars + right; })
      .to("o");
  expect_trace(*builder.graph(), "R:k=abc@1 L:k=x@2 -> (k,kx3)@2");
  EXPECT_EQ(FakeTask(*builder.graph()).store("R"), nullptr);
}

// A stream joined with its own aggregate meets the aggregate that already holds the record, because
// the aggregate was added before the join.
TEST(StreamTableJoin, OwnAggregate) {
  StreamsBuilder builder;
  const auto stream = builder.stream<std::string, Text>("L");
  const auto table = stream.group_by_key().reduce("sum", [](Text aggregate, const Text& value) {
    return Text(aggregate.chars + '+' + value.chars);
  });
  stream.left_join(table, left).to("o");
  expect_trace(*builder.graph(), R"(
    L:k=a@1 -> (k,a-a)@1
    L:k=b@2 -> (k,b-a+b)@2
    L:j=c@3 -> (j,c-c)@3
    L:k=d@1 -> (k,d-a+b+d)@1
  )");
}

// The result carries the headers of the stream's record, none of the table's (R-H).
TEST(StreamTableJoin, HeadersAreTheStreams) {
  StreamsBuilder builder;
  joined(builder, text_table(builder, "R"), Kind::kInner);
  FakeTask task(*builder.graph());
  task.pipe("R", "k", "r", 1, {{"table", "1"}});
  task.pipe("L", "k", "l", 2, {{"stream", "2"}});
  const auto sent = task.take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].headers, (Headers{{"stream", "2"}}));
}

// --- mistakes that build() reports
// ----------------------------------------------------------------------

bool reports(const graph::GraphBuilder& graph, std::string_view words) {
  return std::any_of(graph.mistakes().begin(), graph.mistakes().end(),
                     [&](const std::string& m) { return m.find(words) != std::string::npos; });
}

struct Reversed {  // another serialized form of the same keys
  void serialize(const std::string& text, Bytes& out) const {
    out.append(text.rbegin(), text.rend());
  }
  void deserialize(BytesView in, std::string& text) const { text.assign(in.rbegin(), in.rend()); }
};

// Keys that the two sides serialize differently would lie in different partitions.
TEST(StreamTableJoin, KeySerdesMustBeEqual) {
  for (const bool differ : {false, true}) {
    StreamsBuilder builder;
    const AnySerde<std::string> keys =
        differ ? AnySerde<std::string>(Reversed()) : AnySerde<std::string>(Serde<std::string>());
    builder.stream(Topic<std::string, Text>("L", {.key = keys}))
        .join(text_table(builder, "R"), inner)
        .to("o");
    EXPECT_EQ(reports(*builder.graph(), "different serdes"), differ);
  }
}

// Records whose key has changed are not where the table's rows are.
TEST(StreamTableJoin, RecordsMustBeInPlace) {
  StreamsBuilder builder;
  builder.stream<std::string, Text>("L")
      .select_key([](const Text& text) { return text.chars; })
      .join(text_table(builder, "R"), inner)
      .to("o");
  EXPECT_TRUE(reports(*builder.graph(), "not in place"));
}

// Stream and table are of one builder.
TEST(StreamTableJoin, TableOfAnotherBuilder) {
  StreamsBuilder builder;
  StreamsBuilder other;
  builder.stream<std::string, Text>("L").join(text_table(other, "R"), inner).to("o");
  EXPECT_TRUE(reports(*builder.graph(), "another builder"));
}

// Both sides' topics must have equal partition counts, and the table's rows are kept from then on.
TEST(StreamTableJoin, ConnectsTheSides) {
  StreamsBuilder builder;
  joined(builder, text_table(builder, "R"), Kind::kInner);
  ASSERT_EQ(builder.graph()->lookups().size(), 1u);
  const auto& groups = builder.graph()->copartition_groups();
  EXPECT_TRUE(std::any_of(groups.begin(), groups.end(),
                          [](const auto& group) { return group.sources.size() == 2; }));
  EXPECT_TRUE(builder.graph()->stores().at("R").needed);
}

}  // namespace
}  // namespace millrace::testing
