#include "dsl/table_support.h"

namespace millrace::testing {
namespace {

// A topic's table passes every record on, kept or not: also one that changes nothing, one that
// deletes nothing, and one that is older than the row (R-KT2).
TEST(TableSource, PassesEveryRecordOn) {
  for (const char* store : {static_cast<const char*>(nullptr), "rows"}) {
    StreamsBuilder builder;
    show(text_table(builder, "T", store));
    expect_trace(*builder.graph(), R"(
      T:k=a@5 -> (k,a)@5
      T:k=a@7 -> (k,a)@7
      T:k=b@3 -> (k,b)@3
      T:k=null@3 -> (k,null)@3
      T:k=null@9 -> (k,null)@9
      T:j=null@1 -> (j,null)@1
    )");
  }
}

// A kept table follows the order of its log: an older record replaces the row, and the row takes
// its older time (quirk Q16, matched).
TEST(TableSource, OlderRecordMovesTheRowsTimeBack) {
  StreamsBuilder builder;
  show(text_table(builder, "T", "rows"));
  FakeTask task(*builder.graph());
  task.pipe("T", "k", "a", 10);
  EXPECT_EQ(row_in(task, "rows", "k"), "a@10");
  task.pipe("T", "k", "b", 4);
  EXPECT_EQ(row_in(task, "rows", "k"), "b@4");
  task.restart();
  EXPECT_EQ(row_in(task, "rows", "k"), "b@4");
}

// Every record without a key is dropped and counted, whether the type of the key can be null or not
// (R-N); the empty key is a key.
TEST(TableSource, DropsAndCountsNullKeys) {
  StreamsBuilder builder;
  builder.table<Text, Text>("N").to_stream().to("o");
  show(text_table(builder, "T"));
  FakeTask task(*builder.graph());
  for (const char* topic : {"N", "T"}) {
    task.pipe(topic, std::nullopt, "x", 1);
    task.pipe(topic, "", "y", 2);
    EXPECT_EQ(to_text(task.take()), "(,y)@2");
  }
  std::int64_t dropped = 0;
  for (const auto& node : builder.graph()->nodes()) {
    dropped += task.dropped(node.name, graph::DropReason::kNullKey);
  }
  EXPECT_EQ(dropped, 2);
}

// A table that was given no store name is kept only where something needs its rows.
TEST(TableSource, IsKeptOnlyWhereNeeded) {
  StreamsBuilder unkept;
  show(text_table(unkept, "T").filter(is_even).map_values([](const Text& text) {
    return Text(text.chars + "!");
  }));
  EXPECT_EQ(FakeTask(*unkept.graph()).store("T"), nullptr);

  StreamsBuilder grouped;
  text_table(grouped, "T")
      .filter(is_even)
      .group_by("g",
                [](const std::string& key, const Text& value) {
                  return KeyValue{key, value};
                })
      .count("n");
  EXPECT_NE(FakeTask(*grouped.graph()).store("T"), nullptr);

  StreamsBuilder beside;
  text_table(beside, "T")
      .filter("even", is_even)
      .group_by("g",
                [](const std::string& key, const Text& value) {
                  return KeyValue{key, value};
                })
      .count("n");
  EXPECT_EQ(FakeTask(*beside.graph()).store("T"), nullptr);  // "even" knows the old values
}

// The store of a table writes its changelog under the rows' own times, as Java does.
TEST(TableSource, ChangelogCarriesTheRowsTimes) {
  StreamsBuilder builder;
  show(text_table(builder, "T", "rows"));
  FakeTask task(*builder.graph());
  task.pipe("T", "k", "a", 10);
  task.pipe("T", "k", "b", 4);
  task.pipe("T", "k", std::nullopt, 7);
  const auto& log = task.changelog("rows");
  ASSERT_EQ(log.size(), 3u);
  EXPECT_EQ(to_hex(log[0].key), "6b");
  EXPECT_EQ(log[0].value, "a");
  EXPECT_EQ(to_ms(log[0].timestamp), 10);
  EXPECT_EQ(log[1].value, "b");
  EXPECT_EQ(to_ms(log[1].timestamp), 4);
  EXPECT_EQ(log[2].value, std::nullopt);
  EXPECT_EQ(to_ms(log[2].timestamp), 7);
}

}  // namespace
}  // namespace millrace::testing
