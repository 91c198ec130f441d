#include "dsl/table_support.h"

namespace millrace::testing {
namespace {

Text prefixed(const Text& text) {
  return text.chars == "2" ? Text::none() : Text('m' + text.chars);
}

// --- filter --------------------------------------------------------------------------------------

// Above a table that is not kept, every rejected record becomes a deletion (R-KT3, quirk Q15,
// matched).
TEST(TableFilter, UnkeptSourceDeletesForEachRejectedRecord) {
  StreamsBuilder builder;
  show(text_table(builder, "I").filter(is_even));
  expect_trace(*builder.graph(), R"(
    I:A=1@5 -> (A,null)@5
    I:B=2@10 -> (B,2)@10
    I:A=2@15 -> (A,2)@15
    I:B=3@8 -> (B,null)@8
    I:A=3@20 -> (A,null)@20
    I:B=null@22 -> (B,null)@22
    I:A=null@30 -> (A,null)@30
    I:C=1@31 -> (C,null)@31
    I:C=null@32 -> (C,null)@32
  )");
}

// Above a kept table a deletion goes out only where a row disappears, also through an operator in
// between and into a store of the filter's own (R-KT3).
TEST(TableFilter, KeptSourceDeletesOnlyWhatWasThere) {
  const char* trace = R"(
    I:A=1@5 I:B=2@10 -> (B,2)@10
    I:A=2@15 -> (A,2)@15
    I:B=3@8 -> (B,null)@8
    I:A=3@20 -> (A,null)@20
    I:B=null@22 I:A=null@30 I:C=1@31 I:C=null@32 -> .
  )";
  StreamsBuilder plain;
  show(text_table(plain, "I", "rows").filter(is_even));
  expect_trace(*plain.graph(), trace);

  StreamsBuilder chained;
  show(text_table(chained, "I", "rows")
           .map_values([](const Text& text) { return Text('0' + text.chars); })
           .filter(is_even)
           .map_values([](const Text& text) { return Text(text.chars.substr(1)); }));
  expect_trace(*chained.graph(), trace);

  StreamsBuilder kept;
  show(text_table(kept, "I", "rows").filter("even", is_even));
  expect_trace(*kept.graph(), trace);
}

// A filter that is kept itself, above a table that is not, still deletes for each rejected record,
// unless somebody below asks for old values: then its own store has them.
TEST(TableFilter, KeptFilterOfUnkeptSource) {
  StreamsBuilder builder;
  show(text_table(builder, "I").filter("even", is_even));
  expect_trace(*builder.graph(), R"(
    I:A=1@5 -> (A,null)@5
    I:A=2@6 -> (A,2)@6
    I:A=3@7 -> (A,null)@7
  )");

  StreamsBuilder asked;
  const auto even = text_table(asked, "I").filter("even", is_even);
  show(even);
  even.group_by("g",
                [](const std::string&, const Text& text) {
                  return KeyValue{text, text};
                })
      .count("n");
  expect_trace(*asked.graph(), R"(
    I:A=1@5 -> .
    I:A=2@6 -> (A,2)@6
    I:A=3@7 -> (A,null)@7
  )");
  EXPECT_EQ(FakeTask(*asked.graph()).store("I"), nullptr);
}

// filter and filter_not of one table share its rows between them.
TEST(TableFilter, FilterNotIsTheRest) {
  StreamsBuilder builder;
  const auto table = text_table(builder, "I");
  show(table.filter(is_even), "even");
  show(table.filter_not(is_even), "odd");
  expect_trace(*builder.graph(), R"(
    I:A=1@5 -> even:(A,null)@5, odd:(A,1)@5
    I:A=2@6 -> even:(A,2)@6, odd:(A,null)@6
    I:A=null@7 -> even:(A,null)@7, odd:(A,null)@7
  )");
}

// The predicate may look at the key, and is never called for a deletion.
TEST(TableFilter, PredicateTakesKeyAndValue) {
  StreamsBuilder builder;
  int calls = 0;
  show(text_table(builder, "I").filter([&calls](const std::string& key, const Text& value) {
    ++calls;
    return key == value.chars;
  }));
  FakeTask task(*builder.graph());
  task.pipe("I", "a", "a", 1);
  task.pipe("I", "a", "b", 2);
  task.pipe("I", "a", std::nullopt, 3);
  EXPECT_EQ(to_text(task.take()), "(a,a)@1, (a,null)@2, (a,null)@3");
  EXPECT_EQ(calls, 2);
}

// --- map_values ----------------------------------------------------------------------------------

// Every change is passed on; a null result deletes; a deletion does not call the mapper (R-KT4).
TEST(TableMapValues, PassesEveryChangeOn) {
  StreamsBuilder builder;
  show(text_table(builder, "I").map_values(prefixed));
  expect_trace(*builder.graph(), R"(
    I:A=1@5 -> (A,m1)@5
    I:B=2@10 -> (B,null)@10
    I:A=2@15 -> (A,null)@15
    I:B=3@8 -> (B,m3)@8
    I:A=3@20 -> (A,m3)@20
    I:B=null@22 -> (B,null)@22
    I:A=null@30 -> (A,null)@30
    I:C=1@31 -> (C,m1)@31
    I:C=null@32 -> (C,null)@32
  )");
}

// Kept, it answers the same and holds the mapped rows.
TEST(TableMapValues, KeptHoldsTheResults) {
  StreamsBuilder builder;
  show(text_table(builder, "T", "rows").map_values("mapped", [](const Text& text) {
    return text.chars.front() == 'x' ? Text::none() : text;
  }));
  expect_trace(*builder.graph(), R"(
    T:k=a@10 -> (k,a)@10
    T:k=x1@5 -> (k,null)@5
    T:k=x2@6 -> (k,null)@6
    T:j=x3@1 -> (j,null)@1
    T:k=b@2 -> (k,b)@2
    T:k=null@3 -> (k,null)@3
  )");
  FakeTask task(*builder.graph());
  task.pipe("T", "j", "x", 1);
  task.pipe("T", "k", "b", 2);
  EXPECT_EQ(row_in(task, "mapped", "j"), "none");
  EXPECT_EQ(row_in(task, "mapped", "k"), "b@2");
  EXPECT_EQ(row_in(task, "rows", "j"), "x@1");
}

// A mapper that returns std::optional<R> makes a table of R; std::nullopt deletes.
TEST(TableMapValues, OptionalResultDeletes) {
  StreamsBuilder builder;
  const KTable<std::string, std::int64_t> lengths =
      text_table(builder, "I").map_values([](const Text& text) -> std::optional<std::int64_t> {
        if (text.chars.empty()) return std::nullopt;
        return static_cast<std::int64_t>(text.chars.size());
      });
  show(lengths);
  expect_trace(*builder.graph(), R"(
    I:A=abc@5 -> (A,3)@5
    I:A=@6 -> (A,null)@6
  )");
}

// Members and their results by reference are mappers too.
TEST(TableMapValues, TakesMembers) {
  StreamsBuilder builder;
  const KTable<std::string, std::string> chars = text_table(builder, "I").map_values(&Text::chars);
  chars.to_stream().to("o");
  expect_trace(*builder.graph(), "I:A=abc@5 -> (A,abc)@5");
}

// What a kept table passes on is unharmed by what a record later in the transaction does to it.
TEST(TableMapValues, ChainOfKeptTables) {
  StreamsBuilder builder;
  const auto first = text_table(builder, "T", "a").map_values("b", [](const Text& text) {
    return Text(text.chars + "1");
  });
  const auto second = first.filter("c", [](const Text& text) { return text.chars.size() < 4; })
                          .map_values("d", [](const Text& text) { return Text(text.chars + "2"); });
  show(first, "o1");
  show(second, "o2");
  expect_trace(*builder.graph(), R"(
    T:k=a@1 -> o2:(k,a12)@1, o1:(k,a1)@1
    T:k=b@2 -> o2:(k,b12)@2, o1:(k,b1)@2
    T:k=long@3 -> o2:(k,null)@3, o1:(k,long1)@3
    T:k=longer@4 -> o1:(k,longer1)@4
    T:k=null@5 -> o1:(k,null)@5
    T:k=c@6 -> o2:(k,c12)@6, o1:(k,c1)@6
  )");
}

// --- to_stream -----------------------------------------------------------------------------------

// The stream of a table's changes carries deletions as std::nullopt, and each record's headers.
TEST(TableToStream, CarriesDeletionsAndHeaders) {
  StreamsBuilder builder;
  const KStream<std::string, std::optional<Text>> stream =
      text_table(builder, "T", "rows").to_stream();
  stream.drop_tombstones().to("o");
  stream.filter([](const std::optional<Text>& text) { return !text; }).to("gone");
  FakeTask task(*builder.graph());
  task.pipe("T", "k", "a", 1, {{"h", "1"}});
  task.pipe("T", "k", std::nullopt, 2);
  const auto sent = task.take();
  EXPECT_EQ(to_text(sent), "(k,a)@1, gone:(k,null)@2");
  ASSERT_NE(sent.front().headers.last("h"), nullptr);
  EXPECT_EQ(sent.front().headers.last("h")->value, "1");
}

}  // namespace
}  // namespace millrace::testing
