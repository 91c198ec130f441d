// The functions of cases do what README.md §6 says.
#include "cases/runner/functions.h"

#include <gtest/gtest.h>

namespace millrace::cases {
namespace {

const Text kNull;

// f("append", "x"), f("concat", 9): a function as a case names it.
Function::Argument argument(const char* text) { return {text, 0}; }
Function::Argument argument(int number) { return {"", number}; }
template <class... Args>
Function f(const char* name, Args... args) {
  return {name, {argument(args)...}};
}

struct Row {
  Function function;
  Text key;
  Text value;
  Text expected;
};

TEST(Functions, Predicates) {
  struct Case {
    Function function;
    Text key;
    Text value;
    bool expected;
  };
  const std::vector<Case> cases = {
      {f("true"), kNull, kNull, true},
      {f("false"), "k", "v", false},
      {f("key_is_null"), kNull, "v", true},
      {f("key_is_null"), "", "v", false},
      {f("value_is_null"), "k", kNull, true},
      {f("value_is_null"), "k", "", false},
      {f("value_eq", "a"), "k", "a", true},
      {f("value_eq", "a"), "k", kNull, false},
      {f("value_starts_with", "ab"), "k", "abc", true},
      {f("value_starts_with", ""), "k", "", true},
      {f("value_starts_with", ""), "k", kNull, false},
      {f("value_contains", "b"), "k", "abc", true},
      {f("value_contains", "x"), "k", "abc", false},
      {f("value_length_even"), "k", "é", true},
      {f("value_length_even"), "k", "日", false},
      {f("value_length_even"), "k", kNull, false},
      {f("value_length_gt", 2), "k", "日", true},
      {f("value_length_gt", 3), "k", "日", false},
      {f("value_number_even"), "k", "-4", true},
      {f("value_number_even"), "k", "7", false},
      {f("value_number_even"), "k", kNull, false},
      {f("value_gt", "b"), "k", "é", true},  // bytes are unsigned
      {f("value_gt", "b"), "k", "b", false},
      {f("key_in", "a", "b"), "b", kNull, true},
      {f("key_in", "a", "b"), kNull, "a", false},
      {f("key_in"), "a", "a", false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(predicate(c.function)(c.key, c.value), c.expected)
        << c.function.name() << " of " << show(c.key) << ", " << show(c.value);
  }
}

void expect_rows(Mapper (*make)(const Function&), const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    EXPECT_EQ(show(make(row.function)(row.key, row.value)), show(row.expected))
        << row.function.name() << " of " << show(row.key) << ", " << show(row.value);
  }
}

TEST(Functions, ValueMappers) {
  expect_rows(value_mapper, {
                                {f("identity"), "k", "v", "v"},
                                {f("upper"), "k", "aZé1", "AZé1"},
                                {f("append", "x"), "k", "v", "vx"},
                                {f("append", "x"), "k", kNull, kNull},
                                {f("prepend", "x"), "k", "v", "xv"},
                                {f("length"), "k", "日é", "5"},
                                {f("length"), "k", kNull, kNull},
                                {f("constant", "c"), "k", kNull, "c"},
                                {f("drop_to_null"), "k", "v", kNull},
                                {f("null_if_starts_with", "a"), "k", "ab", kNull},
                                {f("null_if_starts_with", "a"), "k", "b", "b"},
                                {f("null_to", "n"), "k", kNull, "n"},
                                {f("null_to", "n"), "k", "", ""},
                                {f("first_char"), "k", "日x", "日"},
                                {f("first_char"), "k", "", kNull},
                                {f("show_key"), kNull, kNull, "-:-"},
                                {f("show_key"), "k", "", "k:"},
                                {f("key"), "k", kNull, "k"},
                            });
}

TEST(Functions, KeyMappers) {
  expect_rows(key_mapper, {
                              {f("key"), "k", "v", "k"},
                              {f("value"), "k", kNull, kNull},
                              {f("first_char"), "k", "é1", "é"},
                              {f("first_char"), "k", kNull, kNull},
                              {f("first_char_unless", "d"), "k", "d1", kNull},
                              {f("first_char_unless", "d"), "k", "e1", "e"},
                              {f("key_first_char"), "k1", kNull, "k"},
                              {f("key_first_char"), "", "v", kNull},
                              {f("value_before", "/"), "k", "a/b/c", "a"},
                              {f("value_before", "/"), "k", "abc", "abc"},
                              {f("value_before", "/"), "k", kNull, kNull},
                              {f("constant", "c"), "k", "v", "c"},
                              {f("null"), "k", "v", kNull},
                              {f("null_if_key", "k"), "k", "v", kNull},
                              {f("null_if_key", "k"), "j", "v", "v"},
                          });
}

TEST(Functions, WindowedKeyMappers) {
  const Windowed<Text> key{"k", {from_ms(5), from_ms(15)}};
  EXPECT_EQ(windowed_key_mapper(f("window_string"))(key), Text("k@5/15"));
  EXPECT_EQ(windowed_key_mapper(f("inner_key"))(key), Text("k"));
}

TEST(Functions, FlatMappers) {
  using Pairs = std::vector<TextPair>;
  EXPECT_EQ(flat_mapper(f("words_to_keys"))("k", " be  or"),
            (Pairs{{"be", " be  or"}, {"or", " be  or"}}));
  EXPECT_EQ(flat_mapper(f("words_to_keys"))("k", kNull), Pairs());
  EXPECT_EQ(flat_mapper(f("duplicate", 2))("k", "v"), (Pairs{{"k", "v#1"}, {"k", "v#2"}}));
  EXPECT_EQ(flat_mapper(f("duplicate", 1))("k", kNull), (Pairs{{"k", kNull}}));
  EXPECT_EQ(flat_mapper(f("pair_swap"))("k", "v"), (Pairs{{"k", "v"}, {"v", "k"}}));

  using Values = std::vector<Text>;
  EXPECT_EQ(flat_value_mapper(f("split_words"))("a  b "), (Values{"a", "b"}));
  EXPECT_EQ(flat_value_mapper(f("repeat", 2))("v"), (Values{"v#1", "v#2"}));
  EXPECT_EQ(flat_value_mapper(f("repeat", 2))(kNull), Values());
  EXPECT_EQ(flat_value_mapper(f("suffixes", "x", ""))("v"), (Values{"vx", "v"}));
  EXPECT_EQ(flat_value_mapper(f("suffixes", "x"))(kNull), Values());
}

TEST(Functions, TailCountsSignsFromTheEnd) {
  EXPECT_EQ(tail("0+a-b+c", 2), "-b+c");
  EXPECT_EQ(tail("0+a-b+c", 3), "0+a-b+c");
  EXPECT_EQ(tail("0+a-b+c", 1), "+c");
  EXPECT_EQ(tail("", 1), "");
}

TEST(Functions, Reducers) {
  EXPECT_EQ(reducer(f("concat", 1))("a+b", "c"), Text("+c"));
  EXPECT_EQ(reducer(f("concat", 9))("a", kNull), Text("a+null"));
  EXPECT_EQ(reducer(f("minus", 9))("a", "b"), Text("a-b"));
  EXPECT_EQ(reducer(f("max"))("a", "é"), Text("é"));
  EXPECT_EQ(reducer(f("max"))("a", kNull), Text("a"));
  EXPECT_EQ(reducer(f("min"))("b", "a"), Text("a"));
  EXPECT_EQ(reducer(f("min"))("b", kNull), Text("b"));
  EXPECT_EQ(reducer(f("first"))("a", "b"), Text("a"));
  EXPECT_EQ(reducer(f("last"))("a", kNull), kNull);
  EXPECT_EQ(reducer(f("null"))("a", "b"), kNull);
  EXPECT_EQ(reducer(f("null_on", "x", 9))("a", "x"), kNull);
  EXPECT_EQ(reducer(f("null_on", "x", 9))("a", "y"), Text("a+y"));
}

TEST(Functions, Aggregators) {
  EXPECT_EQ(aggregator(f("append", 9))("k", "v", "0"), Text("0+v"));
  EXPECT_EQ(aggregator(f("append", 9))("k", kNull, "0"), Text("0+null"));
  EXPECT_EQ(aggregator(f("append_minus", 1))("k", "v", "0+a"), Text("-v"));
  EXPECT_EQ(aggregator(f("append_key", 9))("k", "v", "0"), Text("0+k=v"));
  EXPECT_EQ(aggregator(f("null_on", "x", 9))("k", "x", "0"), kNull);
  EXPECT_EQ(aggregator(f("null_on", "x", 9))("k", "y", "0"), Text("0+y"));
  EXPECT_EQ(aggregator(f("sum_lengths"))("k", "日", "2"), Text("5"));
  EXPECT_EQ(aggregator(f("minus_lengths"))("k", kNull, "2"), Text("2"));
  EXPECT_EQ(aggregator(f("max"))("k", kNull, "a"), Text("a"));
  EXPECT_EQ(aggregator(f("max"))("k", "b", "a"), Text("b"));
  EXPECT_EQ(aggregator(f("bag_add"))("k", "b", "a,c,"), Text("a,b,c,"));
  EXPECT_EQ(aggregator(f("bag_add"))("k", "", ""), Text(","));
  EXPECT_EQ(aggregator(f("bag_remove"))("k", "a", "a,a,c,"), Text("a,c,"));
  EXPECT_EQ(aggregator(f("bag_remove"))("k", "x", "a,"), Text("a,"));
}

TEST(Functions, Joiners) {
  EXPECT_EQ(joiner(f("show"))("k", "l", kNull), Text("l|-"));
  EXPECT_EQ(joiner(f("show", "/", "none"))("k", kNull, "r"), Text("none/r"));
  EXPECT_EQ(joiner(f("show_key"))(kNull, "l", "r"), Text("-:l|r"));
  EXPECT_EQ(joiner(f("left"))("k", kNull, "r"), kNull);
  EXPECT_EQ(joiner(f("right"))("k", "l", "r"), Text("r"));
  EXPECT_EQ(joiner(f("null_if_right", "x"))("k", "l", "xy"), kNull);
  EXPECT_EQ(joiner(f("null_if_right", "x"))("k", "l", kNull), Text("l|-"));
}

TEST(Functions, WhatTheyDoNotKnowIsAnUnknownWord) {
  EXPECT_THROW(predicate(f("nobody")), UnknownWord);
  EXPECT_THROW(value_mapper(f("nobody")), UnknownWord);
  EXPECT_THROW(key_mapper(f("nobody")), UnknownWord);
  EXPECT_THROW(windowed_key_mapper(f("nobody")), UnknownWord);
  EXPECT_THROW(flat_mapper(f("nobody")), UnknownWord);
  EXPECT_THROW(flat_value_mapper(f("nobody")), UnknownWord);
  EXPECT_THROW(reducer(f("nobody")), UnknownWord);
  EXPECT_THROW(aggregator(f("nobody")), UnknownWord);
  EXPECT_THROW(joiner(f("nobody")), UnknownWord);
  EXPECT_THROW(reducer(f("concat")), CaseError);  // its argument is missing
}

}  // namespace
}  // namespace millrace::cases
