#include "dsl/table_support.h"

namespace millrace::testing {
namespace {

using namespace std::chrono_literals;

Text newest(Text, const Text& value) { return value; }

// The newest text of each key and window of 10 ms.
KTable<Windowed<std::string>, Text> newest_per_window(StreamsBuilder& builder) {
  return builder.stream<std::string, Text>("I")
      .group_by_key()
      .windowed_by(TimeWindows{.size = 10ms, .grace = 20ms})
      .reduce("windows", newest);
}

std::string shown(const Windowed<std::string>& key) {
  return key.key + '[' + std::to_string(to_ms(key.window.start)) + ']';
}

Text upper(const Text& text) {
  std::string chars = text.chars;
  for (char& c : chars) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return Text(chars);
}

// filter, map_values and to_stream are for tables of windows, too: an aggregate knows its old
// values, so a row that was rejected before is not deleted again.
TEST(TableOfWindows, FilterMapValuesToStream) {
  StreamsBuilder builder;
  newest_per_window(builder)
      .map_values(upper)
      .filter([](const Text& text) { return text.chars.size() > 1; })
      .to_stream()
      .select_key(
          [](const Windowed<std::string>& key, const std::optional<Text>&) { return shown(key); })
      .to("o");
  expect_trace(*builder.graph(), R"(
    I:k=ab@1 -> (k[0],AB)@1
    I:k=c@12 -> .
    I:k=d@3 -> (k[0],null)@3
    I:j=ef@15 -> (j[10],EF)@15
    I:k=gh@25 -> (k[20],GH)@25
    I:k=ij@4 -> (k[0],IJ)@4
    I:k=kl@19 -> (k[10],KL)@19
  )");
}

// Rows of windows can be grouped by anything, for instance by their key over all windows.
TEST(TableOfWindows, GroupedByKey) {
  StreamsBuilder builder;
  show(newest_per_window(builder)
           .group_by("g",
                     [](const Windowed<std::string>& key, const Text& text) {
                       return KeyValue{key.key, text};
                     })
           .count("n"));
  expect_trace(*builder.graph(), R"(
    I:k=ab@1 -> (k,1)@1
    I:k=c@12 -> (k,2)@12
    I:k=d@3 -> (k,2)@12
    I:j=ef@15 -> (j,1)@15
    I:k=gh@25 -> (k,3)@25
    I:k=ij@4 -> (k,3)@25
    I:k=kl@19 -> (k,3)@25
  )");
}

// Overlapping windows: each moves on its own, what leaves one group first.
TEST(TableOfWindows, HoppingWindowsGroupedByValue) {
  StreamsBuilder builder;
  show(builder.stream<std::string, Text>("I")
           .group_by_key()
           .windowed_by(TimeWindows{.size = 10ms, .advance = 5ms, .grace = 20ms})
           .reduce("windows", newest)
           .group_by("g",
                     [](const Text& text) {
                       return KeyValue{first_letter(text), text};
                     })
           .count("n"));
  expect_trace(*builder.graph(), R"(
    I:k=a1@7 -> (a,1)@7, (a,2)@7
    I:k=b1@8 -> (a,1)@8, (b,1)@8, (a,0)@8, (b,2)@8
    I:j=a2@12 -> (a,1)@12, (a,2)@12
    I:k=a3@1 -> (b,1)@8, (a,3)@12
  )");
}

// A table of windows can be kept under a serde that knows their size, and joined by windowed keys.
TEST(TableOfWindows, KeptAndJoined) {
  StreamsBuilder builder;
  const auto serde = time_windowed_serde<std::string>(10ms);
  const auto table = newest_per_window(builder).map_values("upper", upper, {.key_serde = serde});
  builder.stream(Topic<Windowed<std::string>, Text>("W", {.key = serde}))
      .left_join(table,
                 [](const Windowed<std::string>& key, const Text& left, const Text* right) {
                   return shown(key) + left.chars + (right == nullptr ? "-" : right->chars);
                 })
      .select_key([](const std::string&) { return std::string("k"); })
      .to("o");
  FakeTask task(*builder.graph());
  const auto window = [&](std::int64_t start) {
    Bytes key;
    AnySerde<Windowed<std::string>>(serde).serialize({"k", {from_ms(start), from_ms(start) + 10ms}},
                                                     key);
    return key;
  };
  task.pipe("I", "k", "ab", 12);
  task.pipe("W", window(10), "x", 1);
  task.pipe("W", window(0), "y", 2);
  EXPECT_EQ(to_text(task.take()), "(k,k[10]xAB)@1, (k,k[0]y-)@2");
}

}  // namespace
}  // namespace millrace::testing
