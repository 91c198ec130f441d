// An abort after the n-th record of any operator, and a worker's death there, leave no trace: the
// committed records per partition, the folded changelogs and the counts of dropped records are
// those of a run in which nothing happened, and all was in memory. Where something happens, stores
// lie on a disk.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "abort/operator_run.h"
#include "abort/operators.h"
#include "topology/built_graph.h"

namespace millrace::testing {

void PrintTo(const Operator& op, std::ostream* out) { *out << op.name; }

namespace {

// Compared part by part, so that a failure shows where.
template <class Map>
void expect_same(const Map& undisturbed, const Map& result) {
  for (const auto& [where, content] : undisturbed) {
    const auto found = result.find(where);
    EXPECT_EQ(content, found == result.end() ? typename Map::mapped_type() : found->second)
        << where;
  }
  EXPECT_EQ(undisturbed.size(), result.size());
}

void expect_same(const Result& undisturbed, const Result& result) {
  expect_same(undisturbed.records, result.records);
  expect_same(undisturbed.folds, result.folds);
  EXPECT_EQ(undisturbed.dropped, result.dropped);
}

bool keeps_on_disk(const Operator& op) {
  StreamsBuilder builder;
  op.build(builder);
  const Topology topology = builder.build();
  for (const graph::Subtopology& part : topology.graph().subtopologies()) {
    for (const std::string& name : part.stores) {
      const graph::StoreSpec& store = topology.graph().store(name);
      if (store.persistent && store.logged) return true;
    }
  }
  return false;
}

class Abort : public ::testing::TestWithParam<Operator> {};

TEST_P(Abort, AfterAnyRecordChangesNothing) {
  const Operator& op = GetParam();
  const std::size_t length = op.script().size();
  ASSERT_GE(length, 60u);
  std::int64_t disk_reads = 0;
  for (std::size_t n = 1; n <= length; ++n) {
    SCOPED_TRACE("record " + std::to_string(n));
    const std::size_t first = n / 2;
    const auto run = [&](Fate fate, Arrival arrival) {
      const OperatorRun ran =
          run_operator(op, first, n, fate, arrival, fate == Fate::kCommit ? Disk() : Disk(n));
      disk_reads += ran.disk_reads;
      return ran;
    };
    const OperatorRun aborted = run(Fate::kAbort, Arrival::kInPieces);
    EXPECT_GT(aborted.aborts, 0);
    expect_same(run(Fate::kCommit, Arrival::kInPieces).result, aborted.result);
    if (op.tick == Duration{}) {
      SCOPED_TRACE("with a restart");
      expect_same(run(Fate::kCommit, Arrival::kAtOnce).result,
                  run(Fate::kRestart, Arrival::kAtOnce).result);
    }
    if (HasFailure()) return;
  }
  EXPECT_EQ(disk_reads > 0, keeps_on_disk(op));
}

// A test that sees nothing proves nothing.
TEST_P(Abort, TheScriptShowsWhatTheOperatorDoes) {
  const Operator& op = GetParam();
  const Result result = run_operator(op, 20, 40, Fate::kCommit, Arrival::kAtOnce).result;
  std::set<std::string> partitions_with_output;
  for (const auto& [where, records] : result.records) {
    if (where.rfind("in-", 0) != 0 && where.rfind("rows-", 0) != 0 && records.size() >= 5)
      partitions_with_output.insert(where);
  }
  EXPECT_GE(partitions_with_output.size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Operators, Abort, ::testing::ValuesIn(operators()), [](const auto& test) {
  std::string name;
  for (const char c : test.param.name) {
    if (std::isalnum(static_cast<unsigned char>(c))) name += c;
  }
  return name;
});

}  // namespace
}  // namespace millrace::testing
