#include <map>
#include <random>
#include <set>

#include "dsl/table_support.h"

namespace millrace::testing {
namespace {

constexpr int kRecords = 400;
constexpr std::uint32_t kSeeds = 12;

// What the tests below compare with: the rows of the table, by the rules in their plainest form.
using Rows = std::map<std::string, std::string>;

struct Input {
  std::string key;
  std::optional<std::string> value;
  std::int64_t timestamp;
};

// Few keys and values, so that rows change, stay, move, vanish and come back; time in disorder.
Input random_input(std::mt19937& random) {
  const auto below = [&](std::uint32_t n) { return random() % n; };
  Input input;
  input.key = std::string(1, static_cast<char>('k' + below(4)));
  if (below(4) != 0) {
    input.value = std::string(1, static_cast<char>('a' + below(3))) + std::to_string(below(4));
  }
  input.timestamp = below(100);
  return input;
}

bool kept(const std::string& value) { return value.back() != '0'; }

// Runs random changes through the topology, with commits, aborts and restarts at random places, and
// hands every change of the table "o" to `check` together with the rows of "T" as they are then.
template <class Check>
void run_random(const graph::GraphBuilder& graph, std::uint32_t seed, Check check) {
  std::mt19937 random(seed);
  FakeTask task(graph, Transactions::kByHand);
  Rows rows;
  std::map<std::string, std::string> shown;  // the newest output of each key
  std::vector<Input> open;                   // since the last commit
  const auto run = [&](const Input& input) {
    task.pipe("T", input.key, input.value, input.timestamp);
    if (input.value) {
      rows[input.key] = *input.value;
    } else {
      rows.erase(input.key);
    }
    for (const auto& sent : task.take()) {
      if (sent.value) {
        shown[*sent.key] = *sent.value;
      } else {
        shown.erase(*sent.key);
      }
    }
    check(rows, shown);
  };
  for (int i = 0; i < kRecords; ++i) {
    open.push_back(random_input(random));
    run(open.back());
    const auto what = random() % 10;
    if (what < 3) {  // what an abort undoes is replayed
      task.abort();
      for (const Input& input : open) task.pipe("T", input.key, input.value, input.timestamp);
      task.take();
    } else if (what < 6) {
      task.commit();
      open.clear();
      if (what == 5) task.restart();
    }
    if (::testing::Test::HasFailure()) {
      FAIL() << "record " << i << ", seed " << seed;
    }
  }
}

// Groups hold exactly the rows that belong to them, whatever came in between: counts and sorted
// lists that are built by adding and subtracting equal those that are made from the rows at hand.
TEST(TableRandom, GroupsEqualTheRows) {
  StreamsBuilder builder;
  const auto table = text_table(builder, "T")
                         .filter([](const Text& text) { return kept(text.chars); })
                         .map_values([](const Text& text) { return Text(text.chars + '!'); });
  const auto group = [](const std::string& key, const Text& text) {
    return KeyValue{first_letter(text), Text(key + text.chars + ',')};
  };
  const auto groups = table.group_by("g", group);
  show(groups.aggregate(
      "rows", Text(""),
      [](const Text& row, Text all) {
        std::multiset<std::string> sorted;
        for (std::istringstream in(all.chars + row.chars); std::getline(in, all.chars, ',');) {
          sorted.insert(all.chars);
        }
        all.chars.clear();
        for (const std::string& each : sorted) all.chars += each + ',';
        return all;
      },
      [](const Text& row, Text all) {
        const auto at = all.chars.find(row.chars);
        EXPECT_NE(at, std::string::npos) << "taken out, never put in: " << row.chars;
        if (at != std::string::npos) all.chars.erase(at, row.chars.size());
        return all;
      }));
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
    run_random(*builder.graph(), seed, [](const Rows& rows, const auto& shown) {
      std::map<std::string, std::string> expected;
      for (const auto& [letter, all] : shown)
        expected[letter] = "";  // a group stays when it is empty
      for (const auto& [key, value] : rows) {
        if (kept(value)) expected[value.substr(0, 1)] += key + value + "!,";
      }
      EXPECT_EQ(shown, expected);
    });
  }
}

// Filters and mappers, kept or not, in any order over a kept or an unkept table, show the same
// rows.
TEST(TableRandom, OperatorsEqualTheRows) {
  for (const char* store : {static_cast<const char*>(nullptr), "rows"}) {
    for (const int kept_operators : {0, 1, 2, 3}) {
      StreamsBuilder builder;
      auto table = text_table(builder, "T", store);
      const auto keep = [](const Text& text) { return kept(text.chars); };
      const auto mark = [](const Text& text) {
        return text.chars.front() == 'b' ? Text::none() : Text('<' + text.chars);
      };
      table = (kept_operators & 1) != 0 ? table.filter("f", keep) : table.filter(keep);
      table = (kept_operators & 2) != 0 ? table.map_values("m", mark) : table.map_values(mark);
      show(table);
      for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
        run_random(*builder.graph(), seed, [](const Rows& rows, const auto& shown) {
          std::map<std::string, std::string> expected;
          for (const auto& [key, value] : rows) {
            if (kept(value) && value.front() != 'b') expected[key] = '<' + value;
          }
          EXPECT_EQ(shown, expected);
        });
      }
    }
  }
}

}  // namespace
}  // namespace millrace::testing
