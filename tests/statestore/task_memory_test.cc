#include "millrace/detail/task_memory.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace millrace::state {
namespace {

std::map<std::string, std::int64_t> persisted(const TaskMemory& memory) {
  std::map<std::string, std::int64_t> known;
  for (const auto& [name, value] : memory.persisted()) known.emplace(name, value);
  return known;
}

// A slot starts unknown, and its name leads to it again: node clones find what they remembered.
TEST(TaskMemory, SameNameSameSlot) {
  TaskMemory memory;
  const MemorySlot a = memory.add("a", Persisted::kYes);
  const MemorySlot b = memory.add("b", Persisted::kNo);
  EXPECT_EQ(memory[a], TaskMemory::kUnknown);
  memory.set(a, 7);
  EXPECT_EQ(memory.add("a", Persisted::kYes), a);
  EXPECT_EQ(memory.add("b", Persisted::kNo), b);
  EXPECT_EQ(memory[a], 7);
}

// raise() never lowers.
TEST(TaskMemory, RaiseKeepsTheGreater) {
  TaskMemory memory;
  const MemorySlot slot = memory.add("t", Persisted::kYes);
  EXPECT_EQ(memory.raise(slot, 5), 5);
  EXPECT_EQ(memory.raise(slot, 3), 5);
  EXPECT_EQ(memory.raise(slot, 8), 8);
}

// An abort brings back every slot as of the last commit, persisted or not, new ones as unknown.
TEST(TaskMemory, AbortIsExact) {
  TaskMemory memory;
  const MemorySlot a = memory.add("a", Persisted::kYes);
  const MemorySlot b = memory.add("b", Persisted::kNo);
  memory.set(a, 10);
  memory.set(b, 20);
  memory.commit();
  memory.set(a, 5);
  memory.raise(b, 30);
  const MemorySlot c = memory.add("c", Persisted::kYes);
  memory.set(c, 1);
  memory.abort();
  EXPECT_EQ(memory[a], 10);
  EXPECT_EQ(memory[b], 20);
  EXPECT_EQ(memory[c], TaskMemory::kUnknown);
}

// What travels in a commit: the persisted slots with a value, by name.
TEST(TaskMemory, PersistedEntries) {
  TaskMemory memory;
  memory.set(memory.add("z", Persisted::kYes), 1);
  memory.set(memory.add("hidden", Persisted::kNo), 2);
  memory.add("unknown", Persisted::kYes);
  memory.set(memory.add("a", Persisted::kYes), 3);
  const auto entries = memory.persisted();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[0].value, 3);
  EXPECT_EQ(entries[1].name, "z");
}

// Loaded values merge by maximum, and an abort does not lose them.
TEST(TaskMemory, LoadMergesByMaximum) {
  TaskMemory memory;
  const MemorySlot slot = memory.add("t", Persisted::kYes);
  memory.load("t", 5);
  memory.load("t", 3);  // another partition of the task
  EXPECT_EQ(memory[slot], 5);
  memory.abort();
  EXPECT_EQ(memory[slot], 5);
  memory.set(slot, 9);
  memory.commit();
  memory.load("t", 7);
  EXPECT_EQ(memory[slot], 9);
}

// Loaded before the nodes are there: kept for whoever adds the name, ignored if nobody does.
TEST(TaskMemory, LoadBeforeAdd) {
  TaskMemory memory;
  memory.load("late", 4);
  memory.load("late", 6);
  memory.load("of-an-operator-that-is-gone", 1);
  memory.commit();
  EXPECT_TRUE(persisted(memory).empty());
  const MemorySlot slot = memory.add("late", Persisted::kYes);
  EXPECT_EQ(memory[slot], 6);
  memory.abort();
  EXPECT_EQ(memory[slot], 6);
  EXPECT_EQ(persisted(memory), (std::map<std::string, std::int64_t>{{"late", 6}}));
}

// What is not persisted does not come from a commit, whatever an older version wrote there.
TEST(TaskMemory, LoadLeavesOthersAlone) {
  TaskMemory memory;
  const MemorySlot before = memory.add("n", Persisted::kNo);
  memory.load("n", 4);
  EXPECT_EQ(memory[before], TaskMemory::kUnknown);
  memory.load("m", 4);
  EXPECT_EQ(memory[memory.add("m", Persisted::kNo)], TaskMemory::kUnknown);
}

}  // namespace
}  // namespace millrace::state
