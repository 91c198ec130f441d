// A wrong result is found, with its place; what may differ is not.
#include "cases/runner/compare.h"

#include <gtest/gtest.h>

namespace millrace::cases {
namespace {

// What a case expects, and a run that gave exactly that: each test spoils one of them.
class CompareTest : public ::testing::Test {
 protected:
  CompareTest() {
    Results& results = case_.expect;
    results.output = {
        {"O", {{"k", std::nullopt, "v1", 1, {}, 0}, {"k", std::nullopt, "v2", 2, {}, 3}}},
        {"P", {{"j", WindowBounds{0, 10}, "w", 2, {{"h", "x"}}, 1}}}};
    results.peek = {{"p", {{"k", "v"}}}};
    results.output_bytes = {{"O", {{"6b", "7631", 1}}}};
    results.repartition = {{"conf-r-repartition", {{"6b", {}, 1}}}};
    results.stores = {{"S", {"timestamped_kv", {{"k", std::nullopt, "v", 2}}}},
                      {"W", {"window", {{"k", WindowBounds{10, 20}, "1", 12}}}}};
    results.changelogs = {
        {"conf-S-changelog", {{"6b", "76", 2}}},
        {"conf-W-changelog",
         {{"6b000000000000000000000000", "31", 2}, {"6b000000000000000a00000000", "31", 12}}}};
    results.dropped_records = 3;
    actual_ = results;
  }

  std::string difference(const CompareOptions& options = {}) const {
    const auto found = first_difference(case_, actual_, options);
    if (!found) return "none";
    return found->what + ": " + found->expected + " / " + found->actual +
           (found->at ? " @" + std::to_string(*found->at) : "");
  }

  OutputRecord& output(std::size_t i) { return (*actual_.output)["O"][i]; }

  Case case_;
  Results actual_;
};

TEST_F(CompareTest, EqualResultsAreEqual) { EXPECT_EQ(difference(), "none"); }

TEST_F(CompareTest, EachPartOfAnOutputRecordCounts) {
  const Results right = actual_;
  output(1).value = "x";
  EXPECT_EQ(difference(), R"(output O[1]: "k" = "v2" ts 2 at 3 / "k" = "x" ts 2 at 3 @3)");
  actual_ = right;
  output(1).value = {};
  EXPECT_EQ(difference(), R"(output O[1]: "k" = "v2" ts 2 at 3 / "k" = null ts 2 at 3 @3)");
  actual_ = right;
  output(0).key = {};
  EXPECT_NE(difference(), "none");
  actual_ = right;
  output(0).timestamp = 0;
  EXPECT_NE(difference(), "none");
  actual_ = right;
  output(0).headers = {{"h", {}}};
  EXPECT_NE(difference(), "none");
  actual_ = right;
  (*actual_.output)["P"][0].window = {{0, 11}};
  EXPECT_NE(difference(), "none");
  actual_ = right;
  (*actual_.output)["P"][0].headers[0].second = {};
  EXPECT_NE(difference(), "none");
}

TEST_F(CompareTest, WhenARecordAppearsCountsUnlessNobodyKnows) {
  output(1).at = 2;
  EXPECT_EQ(difference(), R"(output O[1]: "k" = "v2" ts 2 at 3 / "k" = "v2" ts 2 at 2 @2)");
  EXPECT_EQ(difference({.at = false}), "none");
}

TEST_F(CompareTest, MissingAndAdditionalRecordsAreFound) {
  const Results right = actual_;
  (*actual_.output)["O"].pop_back();
  EXPECT_EQ(difference(), R"(output O[1]: "k" = "v2" ts 2 at 3 / nothing @3)");
  actual_ = right;
  (*actual_.output)["P"].push_back({"j", std::nullopt, "more", 9, {}, 5});
  EXPECT_EQ(difference(), R"(output P[1]: nothing / "j" = "more" ts 9 at 5 @5)");
  actual_ = right;
  (*actual_.output)["Q"] = {{"j", std::nullopt, "stray", 9, {}, 5}};
  EXPECT_NE(difference(), "none");
  (*actual_.output)["Q"].clear();
  EXPECT_EQ(difference(), "none");
}

TEST_F(CompareTest, OfSeveralTopicsTheFirstDifferenceIsTold) {
  output(1).value = "x";                  // at 3
  (*actual_.output)["P"][0].value = "x";  // at 1
  EXPECT_EQ(difference().substr(0, 11), "output P[0]");
}

TEST_F(CompareTest, UnorderedTopicsAreMultisets) {
  std::swap(output(0), output(1));
  output(0).headers = {{"h", "x"}};
  EXPECT_NE(difference(), "none");
  EXPECT_EQ(difference({.unordered = {"O"}}), "none");
  case_.unordered = {"O"};
  EXPECT_EQ(difference(), "none");
  output(0).timestamp = 7;
  EXPECT_NE(difference(), "none");
}

TEST_F(CompareTest, EverythingElseCounts) {
  const Results right = actual_;
  (*actual_.peek)["p"][0].second = {};
  EXPECT_EQ(difference(), R"(peek p[0]: "k" = "v" / "k" = null)");
  actual_ = right;
  (*actual_.output_bytes)["O"][0].key = "6c";
  EXPECT_EQ(difference(), R"(bytes of O[0]: "6b" = "7631" ts 1 / "6c" = "7631" ts 1)");
  actual_ = right;
  actual_.repartition->clear();
  EXPECT_EQ(difference(), R"(topic conf-r-repartition[0]: "6b" = null ts 1 / nothing)");
  actual_ = right;
  (*actual_.stores)["S"].entries[0].timestamp = 3;
  EXPECT_EQ(difference(), R"(store S[0]: "k" = "v" ts 2 / "k" = "v" ts 3)");
  actual_ = right;
  (*actual_.stores)["S"].type = "window";
  EXPECT_EQ(difference(), "store S: timestamped_kv / window");
  actual_ = right;
  actual_.stores->erase("W");
  EXPECT_EQ(difference(), "store W: window / no store");
  actual_ = right;
  (*actual_.changelogs)["conf-S-changelog"].clear();
  EXPECT_EQ(difference(), R"(changelog conf-S-changelog[0]: "6b" = "76" ts 2 / nothing)");
  actual_ = right;
  actual_.dropped_records = 2;
  EXPECT_EQ(difference(), "dropped records: 3 / 2");
}

TEST_F(CompareTest, WhatTheCaseDoesNotSayIsNotCompared) {
  (*actual_.repartition)["conf-r-repartition"][0].timestamp = 7;
  EXPECT_NE(difference(), "none");
  (*case_.expect.repartition)["conf-r-repartition"][0].timestamp.reset();
  EXPECT_EQ(difference(), "none");
  case_.expect = {};
  EXPECT_EQ(difference(), "none");
}

TEST_F(CompareTest, AChangelogMayLackWindowsThatNobodyCanRead) {
  auto& rows = (*actual_.changelogs)["conf-W-changelog"];
  const auto all = rows;
  rows = {all[1]};  // 0/10 is not in the store any more
  EXPECT_EQ(difference(), "none");
  rows = {all[0]};  // 10/20 is
  EXPECT_NE(difference(), "none");
  rows = all;
  rows[0].value = "32";  // if it is there it must be equal
  EXPECT_NE(difference(), "none");
}

TEST_F(CompareTest, AFailureMustBeExpectedAndAtItsStep) {
  actual_.failure_at = 4;
  actual_.failure = "on fire";
  EXPECT_EQ(difference(), "the application: goes on / stops at step 4: on fire @4");
  case_.expect.failure_at = 3;
  EXPECT_NE(difference(), "none");
  case_.expect.failure_at = 4;
  case_.expect.stores.reset();
  EXPECT_EQ(difference(), "none");
  output(0).value = "x";
  EXPECT_NE(difference(), "none");
}

}  // namespace
}  // namespace millrace::cases
