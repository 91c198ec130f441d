// Whole cases: right ones pass in every way, wrong ones fail, unknown ones are skipped.
#include "cases/runner/suite.h"

#include <gtest/gtest.h>

#include <sstream>

#include "cases/runner/building.h"

namespace millrace::cases {
namespace {

// A count behind a repartition topic, with a peek, a dropped and a held back record.
const std::string kCount = R"({
  "format": 1, "name": "count", "scope": "core", "tags": ["count"], "quirk": [], "note": "",
  "topology": [
    {"id":"s","op":"stream","topics":["I"]},
    {"id":"p","op":"peek","in":"s"},
    {"id":"g","op":"group_by","in":"p","key":["first_char"],"name":"g"},
    {"id":"c","op":"count","in":"g","store":"S"},
    {"id":"t","op":"to_stream","in":"c"},
    {"id":"o","op":"to","in":"t","topic":"O"}
  ],
  "input": [
    {"topic":"I","key":"k","value":"a1","ts":5},
    {"topic":"I","key":"k","value":"","ts":6},
    {"topic":"I","key":"j","value":"a2","ts":3}
  ],
  "expect": {
    "output": {"O": [
      {"key":"a","value":"1","ts":5,"at":0},
      {"key":"a","value":"2","ts":5,"at":2}
    ]},
    "peek": {"p": [["k","a1"],["k",""],["j","a2"]]},
    "stores": {"S": {"type":"timestamped_kv","entries":[["a","2",5]]}},
    "changelogs": {"conf-S-changelog": [["61","0000000000000002",5]]},
    "repartition": {"conf-g-repartition": [["61","6131",5],["61","6132",3]]},
    "dropped_records": 0
  }
})";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

struct Ran {
  bool well;
  std::string text;
  std::string last_line() const {
    const auto end = text.find_last_not_of('\n');
    const auto start = text.rfind('\n', end);
    return text.substr(start + 1, end - start);
  }
};

Ran run(const std::vector<std::string>& cases, Options options = {}) {
  std::vector<Case> parsed;
  for (const std::string& json : cases) {
    parsed.push_back(parse_case(json, std::to_string(parsed.size())));
  }
  std::ostringstream out;
  const bool well = Suite(std::move(parsed), options, out).run();
  return {well, out.str()};
}

TEST(Suite, ARightCasePassesInEveryWay) {
  const Ran ran = run({kCount}, {.rounds = 5});
  EXPECT_TRUE(ran.well) << ran.text;
  EXPECT_EQ(ran.last_line(), "1 passed, 0 failed, 0 skipped");
  EXPECT_NE(ran.text.find("hostile: commits "), std::string::npos) << ran.text;
}

TEST(Suite, AWrongExpectationFailsInEveryWay) {
  for (const Way way : {Way::kPlain, Way::kRestart, Way::kHostile}) {
    for (const auto& [what, by] : std::vector<std::pair<std::string, std::string>>{
             {R"("value":"2","ts":5,"at":2)", R"("value":"3","ts":5,"at":2)"},
             {R"(["k",""],)", ""},
             {R"(["a","2",5])", R"(["a","2",4])"},
             {R"(0000000000000002)", R"(0000000000000001)"},
             {R"(["61","6131",5],)", ""},
             {R"("dropped_records": 0)", R"("dropped_records": 1)"}}) {
      const Ran ran = run({replaced(kCount, what, by), kCount}, {.ways = {way}});
      EXPECT_FALSE(ran.well);
      EXPECT_EQ(ran.last_line(), "1 passed, 1 failed, 0 skipped") << ran.text;
    }
  }
}

TEST(Suite, TellsTheFirstDifference) {
  const Ran ran =
      run({replaced(kCount, R"("value":"2","ts":5,"at":2)", R"("value":"2","ts":5,"at":1)")},
          {.ways = {Way::kPlain}});
  EXPECT_EQ(ran.text.substr(0, ran.text.find("plain:")), R"(FAILED 0 (plain)
  output O[1]
    expected "a" = "2" ts 5 at 1
    actual   "a" = "2" ts 5 at 2
    at step  1, I: "k" = "" ts 6
)");
}

TEST(Suite, ACaseThatMakesNoSenseFails) {
  const Ran unknown_input = run({replaced(kCount, R"("in":"c")", R"("in":"x")")});
  EXPECT_EQ(unknown_input.last_line(), "0 passed, 1 failed, 0 skipped") << unknown_input.text;
  const Ran wrong_kind = run({replaced(kCount, R"("in":"c")", R"("in":"g")")});
  EXPECT_EQ(wrong_kind.last_line(), "0 passed, 1 failed, 0 skipped") << wrong_kind.text;
  const Ran wrong_topic = run({replaced(kCount, R"({"topic":"I",)", R"({"topic":"X",)")});
  EXPECT_EQ(wrong_topic.last_line(), "0 passed, 1 failed, 0 skipped") << wrong_topic.text;
}

TEST(Suite, UnknownWordsSkipTheirCaseAndAreListedOnce) {
  const std::string op = replaced(kCount, R"("op":"peek")", R"("op":"gaze")");
  const std::string function = replaced(kCount, R"(["first_char"])", R"(["lucky_number"])");
  const std::string parameter = replaced(kCount, R"("store":"S"})", R"("store":"S","ttl_ms":5})");
  const Ran ran = run({op, kCount, function, parameter, op}, {.ways = {Way::kPlain}});
  EXPECT_TRUE(ran.well);
  EXPECT_EQ(ran.last_line(), "1 passed, 0 failed, 4 skipped");
  EXPECT_NE(
      ran.text.find("does not know: count.ttl_ms (1), key mapper lucky_number (1), op gaze (2)"),
      std::string::npos)
      << ran.text;
}

TEST(Suite, StopEndsAtTheFirstFailure) {
  const std::string wrong = replaced(kCount, R"("at":2)", R"("at":1)");
  const Ran ran = run({wrong, wrong, kCount}, {.ways = {Way::kPlain}, .stop = true});
  EXPECT_EQ(ran.text.find("FAILED"), ran.text.rfind("FAILED"));
}

TEST(Suite, RestartIsLeftOutWhereTheWallClockMatters) {
  Case c = parse_case(kCount, "x");
  EXPECT_TRUE(applies(Way::kRestart, c));
  c.tags.insert("wall-clock");
  EXPECT_FALSE(applies(Way::kRestart, c));
  EXPECT_TRUE(applies(Way::kPlain, c));
  EXPECT_TRUE(applies(Way::kHostile, c));
}

TEST(Options, AreParsed) {
  const Options options =
      parse_options({"--way", "hostile", "--seed", "7", "--rounds", "3", "--scope", "core", "--tag",
                     "a", "--skip-tag", "b", "--stop", "-v", "x", "y"});
  EXPECT_EQ(options.ways, std::vector<Way>{Way::kHostile});
  EXPECT_EQ(options.seed, 7u);
  EXPECT_EQ(options.rounds, 3);
  EXPECT_EQ(options.paths, (std::vector<std::string>{"x", "y"}));
  Case c;
  c.scope = "core";
  EXPECT_FALSE(options.wants(c));
  c.tags = {"a"};
  EXPECT_TRUE(options.wants(c));
  c.tags = {"a", "b"};
  EXPECT_FALSE(options.wants(c));
  EXPECT_EQ(parse_options({"x"}).ways.size(), 3u);
}

TEST(Options, MistakesAreToldNotGuessed) {
  EXPECT_THROW(parse_options({}), std::invalid_argument);
  EXPECT_THROW(parse_options({"--way", "sideways", "x"}), std::invalid_argument);
  EXPECT_THROW(parse_options({"--seed", "one", "x"}), std::invalid_argument);
  EXPECT_THROW(parse_options({"--seed"}), std::invalid_argument);
  EXPECT_THROW(parse_options({"--nonsense", "x"}), std::invalid_argument);
}

TEST(CaseFile, MistakesNameTheFile) {
  for (const std::string& json :
       {std::string("{"), replaced(kCount, R"("format": 1)", R"("format": 2)"),
        replaced(kCount, R"("ts":5)", R"("t":5)")}) {
    try {
      parse_case(json, "some/file.json");
      ADD_FAILURE() << json;
    } catch (const CaseError& e) {
      EXPECT_EQ(std::string(e.what()).substr(0, 14), "some/file.json");
    }
  }
  EXPECT_THROW(read_case("/nowhere.json"), CaseError);
  EXPECT_THROW(read_cases({.paths = {"/nowhere"}}), CaseError);
}

}  // namespace
}  // namespace millrace::cases
