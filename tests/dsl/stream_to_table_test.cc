#include "dsl/table_support.h"

namespace millrace::testing {
namespace {

using graph::DropReason;

// to_table() keeps the newest value of each key, in the order in which records come: null keys are
// dropped and counted, null values delete, an older record replaces a newer one (R-N, R-KT2).
TEST(ToTable, KeepsTheNewestValue) {
  StreamsBuilder builder;
  const KTable<Text, Text> table = builder.stream<Text, Text>("A").to_table("rows");
  table.to_stream().to("o");
  expect_trace(*builder.graph(), R"(
    A:k=a@3 -> (k,a)@3
    A:k=b@1 -> (k,b)@1
    A:null=x@2 A:k=null@5 -> (k,null)@5
    A:k=null@6 -> (k,null)@6
    A:j=c@0 -> (j,c)@0
  )");
  FakeTask task(*builder.graph());
  task.pipe("A", std::nullopt, "x", 2);
  EXPECT_EQ(task.dropped("rows", DropReason::kNullKey), 1);
}

// Values of std::optional make a table of what is in them; std::nullopt deletes.
TEST(ToTable, OptionalValuesDelete) {
  StreamsBuilder builder;
  const KTable<std::string, Text> table =
      builder.stream<std::string, std::optional<Text>>("A")
          .map_values([](const std::optional<Text>& text) {
            return text && text->chars == "gone" ? std::optional<Text>() : text;
          })
          .to_table("rows");
  show(table);
  expect_trace(*builder.graph(), R"(
    A:k=a@3 -> (k,a)@3
    A:k=gone@4 -> (k,null)@4
    A:k=b@5 -> (k,b)@5
    A:k=null@6 -> (k,null)@6
  )");
  FakeTask task(*builder.graph());
  task.pipe("A", "k", "a", 3);
  EXPECT_EQ(row_in(task, "rows", "k"), "a@3");
}

// Records whose key has changed go through an internal topic first; a null key goes no further.
TEST(ToTable, AfterRepartition) {
  StreamsBuilder builder;
  builder.stream<std::string, Text>("A")
      .select_key([](const Text& text) {
        return text.null || text.chars == "n" ? Text::none() : Text(text.chars.substr(0, 1));
      })
      .repartition("tt")
      .to_table("rows")
      .to_stream()
      .to("o");
  expect_trace(*builder.graph(), R"(
    A:k=ab@3 -> (a,ab)@3
    A:k=n@1 A:k=ac@2 -> (a,ac)@2
    A:k=null@5 A:j=bc@0 -> (b,bc)@0
  )");
}

// Without it, build() says where the records are not in place.
TEST(ToTable, RecordsMustBeInPlace) {
  StreamsBuilder builder;
  static_cast<void>(builder.stream<std::string, Text>("A")
                        .select_key([](const Text& text) { return text.chars; })
                        .to_table("rows"));
  ASSERT_EQ(builder.graph()->mistakes().size(), 1u);
  EXPECT_NE(builder.graph()->mistakes()[0].find("not in place"), std::string::npos);
}

// A table that a stream became is joined and grouped like any other.
TEST(ToTable, IsATable) {
  StreamsBuilder builder;
  const auto table = builder.stream<std::string, Text>("A").to_table("rows");
  show(table.group_by("g", [](const Text& text) { return KeyValue{text.chars, text}; }).count("n"));
  builder.stream<std::string, Text>("S")
      .join(table, [](const Text& left, const Text& right) { return left.chars + right.chars; })
      .to("o2");
  expect_trace(*builder.graph(), R"(
    A:k=a@1 -> (a,1)@1
    A:k=b@2 -> (a,0)@2, (b,1)@2
    S:k=x@1 -> o2:(k,xb)@1
  )");
}

}  // namespace
}  // namespace millrace::testing
