#include "millrace/detail/node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "streams/node/sample_nodes.h"

namespace millrace::graph {
namespace {

using ::testing::ElementsAre;
using testing::FailingNode;
using testing::FakeContext;
using testing::PassNode;
using testing::Text;
using testing::Trace;
using testing::TwiceNode;

TEST(Node, RunsDepthFirst) {
  // SEMANTICS R-F1: the first child runs to its end before the second, in the order in which they
  // were added; forward() twice does that twice.
  Trace trace;
  TwiceNode root(trace);
  PassNode first(trace), below(trace), second(trace);
  first.set_name("first");
  below.set_name("below");
  second.set_name("second");
  root.connect(first);
  root.connect(second);
  first.connect(below);

  root.process("k", "a", testing::context_at(1));

  EXPECT_THAT(trace, ElementsAre("first ax", "below ax", "second ax",  //
                                 "first ay", "below ay", "second ay"));
}

TEST(Node, CloneIsIndependentAndUnconnected) {
  // A clone has the prototype's name and callables, and none of its connections.
  Trace trace;
  PassNode prototype(trace), child(trace);
  prototype.set_name("a-node");
  prototype.connect(child);
  const std::unique_ptr<Node> clone(prototype.clone());

  EXPECT_EQ(clone->name(), "a-node");
  EXPECT_TRUE(clone->children().empty());
  EXPECT_TRUE(clone->parents().empty());
  EXPECT_THAT(child.parents(), ElementsAre(&prototype));

  clone->set_name("other");
  EXPECT_EQ(prototype.name(), "a-node");
}

TEST(Node, AnExceptionGetsTheDeepestNodesName) {
  // However many nodes it passes, an exception says in which one it began, and what it was.
  Trace trace;
  PassNode root(trace), middle(trace);
  FailingNode deepest(FailingNode::When::kProcess);
  root.set_name("root");
  middle.set_name("middle");
  deepest.set_name("deepest");
  root.connect(middle);
  middle.connect(deepest);

  try {
    root.process("k", "v", testing::context_at(1));
    FAIL() << "the exception was lost";
  } catch (const NodeError& e) {
    EXPECT_EQ(e.node(), "deepest");
    EXPECT_STREQ(e.what(), "deepest");
    EXPECT_THROW(e.rethrow_nested(), std::domain_error);
  }
}

TEST(Node, WhatANodeThrowsThatIsNoExceptionKeepsItsName) {
  // Users may throw anything.
  class ThrowsAnInt final : public Input<Text, Text> {
   public:
    Node* clone() const override { return new ThrowsAnInt(*this); }
    void process(const Text&, const Text&, const RecordContext&) override { throw 42; }
  };
  Trace trace;
  PassNode root(trace);
  ThrowsAnInt child;
  child.set_name("child");
  root.connect(child);
  try {
    root.process("k", "v", testing::context_at(1));
    FAIL() << "the exception was lost";
  } catch (const NodeError& e) {
    EXPECT_EQ(e.node(), "child");
    EXPECT_THROW(e.rethrow_nested(), int);
  }
}

TEST(DropCounter, CountsPerNodeAndReasonAndAnAbortTakesBack) {
  // Counts start at 0, are exact, and go on from the committed number after an abort.
  Trace trace;
  PassNode node(trace);
  node.set_name("late-ones");
  FakeContext context;
  DropCounter late = context.drop_counter(node, DropReason::kLate);
  DropCounter null_keys = context.drop_counter(node, DropReason::kNullKey);
  EXPECT_EQ(context.dropped("late-ones/late"), 0);

  late.count();
  late.count();
  EXPECT_EQ(context.dropped("late-ones/late"), 2);
  EXPECT_EQ(context.dropped("late-ones/null_key"), 0);

  context.memory().commit();
  late.count();
  null_keys.count();
  context.memory().abort();
  EXPECT_EQ(context.dropped("late-ones/late"), 2);
  EXPECT_EQ(context.dropped("late-ones/null_key"), 0);

  late = context.drop_counter(node, DropReason::kLate);  // as the next clone does it
  late.count();
  EXPECT_EQ(context.dropped("late-ones/late"), 3);
  EXPECT_TRUE(context.memory().persisted().empty());
}

TEST(DropReason, HasAName) {
  // Names are shown in metrics; no two reasons share one.
  EXPECT_EQ(to_string(DropReason::kNullKey), "null_key");
  EXPECT_EQ(to_string(DropReason::kNullValue), "null_value");
  EXPECT_EQ(to_string(DropReason::kLate), "late");
  EXPECT_EQ(to_string(DropReason::kNegativeTimestamp), "negative_timestamp");
  EXPECT_EQ(to_string(DropReason::kNullKeyRepartition), "null_key_repartition");
  EXPECT_EQ(static_cast<int>(DropReason::kDeadLetter), kDropReasons - 1);
}

}  // namespace
}  // namespace millrace::graph
