// A store on disk that lay still for longer than its changelog keeps deletions is filled from the beginning:
// what was deleted meanwhile stays deleted. One that nobody changed is not.
#include <deque>

#include "millrace/detail/memory_disk.h"
#include "millrace/dsl.h"
#include "streams/worker/bench.h"

namespace millrace::worker {
namespace {

using namespace std::chrono_literals;
using state::MemoryDiskHost;

class Restores final : public RestoreListener {
 public:
  void on_start(const Restore& restore) override { start = restore.start; }
  void on_batch(const Restore&, std::int64_t count) override { records += count; }
  std::int64_t records = 0;
  Offset start = kNoOffset;
};

class WorkerStaleDisk : public Bench {
 protected:
  WorkerStaleDisk() {
    for (const char* topic : {"rows", "in", "out"}) create(topic);
  }
  ~WorkerStaleDisk() override { workers.clear(); }  // before their disks

  MemoryDiskHost& new_disk() {
    return disks.emplace_back(state::MemoryDiskOptions{.clock = &clock});
  }
  Worker& start_on(MemoryDiskHost& disk) {
    restores = {};
    WorkerOptions wanted = options();
    wanted.disks = &disk;
    wanted.on_restore = &restores;
    Worker& worker = start(topology(), wanted);
    settle();
    return worker;
  }
  void close(Worker& worker) {
    worker.close();
    run_until([&] { return worker.finished(); });
    EXPECT_EQ(worker.failure(), "");
    kill(worker);
  }
  void row(const std::string& key, OptionalBytesView value) {
    const auto appended =
        log.append("rows", Partition(0), {.key = key, .value = value, .timestamp = clock.now()});
    ASSERT_TRUE(appended.ok());
    settle();
  }
  std::string row_of(const std::string& key) {
    put("?", key);
    settle();
    const std::string all = values();
    return all.substr(all.rfind(' ') + 1);
  }
  // Effect: so much time passes for a worker that has nothing to do.
  void idle(Duration time) {
    const Timestamp until = clock.now() + time;
    while (clock.now() < until) {
      rest();
      if (!wait() || clock.now() > until) clock.advance(std::max(Duration{}, until - clock.now()));
    }
    rest();
  }

  static Topology topology() {
    StreamsBuilder builder;
    const auto rows = builder.table<std::string, std::string>("rows", "kept");
    builder.stream<std::string, std::string>("in")
        .left_join(rows, [](const std::string&,
                            const std::string* row) { return row ? *row : std::string("none"); })
        .to("out");
    return builder.build();
  }

  Restores restores;
  std::deque<MemoryDiskHost> disks;
  const std::string changelog = "app-kept-changelog";
};

TEST_F(WorkerStaleDisk, WhatWasDeletedAndForgottenStaysDeleted) {
  for (const auto away : {1h, 13h}) {
    SCOPED_TRACE(away.count());
    MemoryDiskHost& here = new_disk();
    MemoryDiskHost& elsewhere = new_disk();
    Worker& first = start_on(here);
    row("a", "1");
    row("b", "2");
    EXPECT_EQ(row_of("a"), "1");
    close(first);

    Worker& second = start_on(elsewhere);
    row("a", std::nullopt);
    row("c", "3");
    EXPECT_EQ(row_of("a"), "none");
    close(second);

    clock.advance(away);
    // This log forgets deletions at once; others do after a day, so for one hour it is not asked.
    if (away > 12h) log.compact(changelog, Partition(0));
    Worker& third = start_on(here);
    EXPECT_EQ(restores.start == Offset(0), away > 12h);
    EXPECT_EQ(row_of("a"), "none");
    EXPECT_EQ(row_of("b"), "2");
    EXPECT_EQ(row_of("c"), "3");
    close(third);
  }
}

TEST_F(WorkerStaleDisk, AStoreThatNobodyChangesIsAsNewAsItsWorkerSays) {
  MemoryDiskHost& disk = new_disk();
  Worker& first = start_on(disk);
  row("a", "1");
  idle(30h);
  close(first);
  Worker& second = start_on(disk);
  EXPECT_EQ(restores.records, 0);
  // What a restart reads is confirmed, too, and what is read after it.
  idle(30h);
  close(second);
  Worker& third = start_on(disk);
  EXPECT_EQ(restores.records, 0);
  EXPECT_EQ(row_of("a"), "1");
  kill(third);
}

TEST_F(WorkerStaleDisk, AStoreThatAnotherChangesIsNot) {
  MemoryDiskHost& disk = new_disk();
  Worker& first = start_on(disk);
  row("a", "1");
  // Another owner, while this one still takes itself for it.
  for (int i = 0; i < 3; ++i) put("x", "z", 0, 1, changelog);
  idle(30h);
  kill(first);
  start_on(disk);
  EXPECT_EQ(restores.start, Offset(0));
}

}  // namespace
}  // namespace millrace::worker
