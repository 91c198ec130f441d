// Workers whose stores lie on a disk: what a restart reads, what it refuses, what short memory does.
#include <gmock/gmock.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "millrace/detail/memory_disk.h"
#include "millrace/dsl.h"
#include "millrace/error.h"
#include "streams/worker/bench.h"

namespace millrace::worker {
namespace {

using namespace std::chrono_literals;
using state::MemoryDiskHost;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Restores final : public RestoreListener {
 public:
  void on_batch(const Restore&, std::int64_t count) override { records += count; }
  void on_end(const Restore& restore) override { last = restore; }
  std::int64_t records = 0;
  Restore last;
};

// Refuses to open the first task that asks, once.
class RefusingHost final : public state::DiskHost {
 public:
  explicit RefusingHost(state::DiskHost& below) : below_(below) {}

  std::unique_ptr<state::TaskDisk> open_task(state::TaskDiskSpec spec,
                                             std::function<void()> wake) override {
    if (std::exchange(refused_, true)) return below_.open_task(std::move(spec), std::move(wake));
    return std::make_unique<Refused>();
  }
  std::size_t memory_bytes() const override { return below_.memory_bytes(); }

 private:
  class Refused final : public state::TaskDisk {
   public:
    State state() const override { return State::kFailed; }
    const std::string& failure() const override { return failure_; }
    state::DiskTable& table(std::string_view) override { throw std::logic_error("it is not open"); }

   private:
    const std::string failure_ = "the disk refused";
  };

  state::DiskHost& below_;
  bool refused_ = false;
};

// A disk whose tables fail for good as long as `broken` says so: nothing is applied, health says why.
class BreakingHost final : public state::DiskHost {
 public:
  explicit BreakingHost(state::DiskHost& below) : below_(below) {}

  std::unique_ptr<state::TaskDisk> open_task(state::TaskDiskSpec spec,
                                             std::function<void()> wake) override {
    ++opened;
    return std::make_unique<Task>(below_.open_task(std::move(spec), std::move(wake)), broken);
  }
  std::size_t memory_bytes() const override { return below_.memory_bytes(); }

  bool broken = false;
  int opened = 0;

 private:
  class Table final : public state::DiskTable {
   public:
    Table(state::DiskTable& below, const bool& broken) : below_(below), broken_(broken) {}
    Offset offset() const override { return below_.offset(); }
    Timestamp offset_stamped() const override { return below_.offset_stamped(); }
    std::optional<Bytes> fact(std::string_view name) const override { return below_.fact(name); }
    std::vector<std::pair<std::string, Bytes>> facts(std::string_view prefix) const override {
      return below_.facts(prefix);
    }
    Timestamp now() const override { return below_.now(); }
    state::BatchNumber submit(state::CommitBatch batch) override {
      if (broken_) return state::BatchNumber(1);
      return below_.submit(std::move(batch));
    }
    state::BatchNumber applied() const override {
      return broken_ ? state::BatchNumber() : below_.applied();
    }
    void hurry() override { below_.hurry(); }
    bool get(BytesView key, Bytes& value, Timestamp& timestamp) override {
      if (broken_) throw StateError("the disk cannot be read");
      return below_.get(key, value, timestamp);
    }
    void multi_get(std::span<const BytesView> keys, std::vector<Found>& found) override {
      below_.multi_get(keys, found);
    }
    std::unique_ptr<state::DiskScan> scan(OptionalBytesView from, OptionalBytesView to,
                                          state::ScanOrder order) override {
      return below_.scan(from, to, order);
    }
    Status health() const override {
      return broken_ ? Status::fatal("the disk is broken") : below_.health();
    }

   private:
    state::DiskTable& below_;
    const bool& broken_;
  };

  class Task final : public state::TaskDisk {
   public:
    Task(std::unique_ptr<state::TaskDisk> below, const bool& broken)
        : below_(std::move(below)), broken_(broken) {}
    State state() const override { return below_->state(); }
    const std::string& failure() const override { return below_->failure(); }
    state::DiskTable& table(std::string_view store) override {
      auto& table = tables_[std::string(store)];
      if (!table) table = std::make_unique<Table>(below_->table(store), broken_);
      return *table;
    }

   private:
    const std::unique_ptr<state::TaskDisk> below_;
    const bool& broken_;
    std::map<std::string, std::unique_ptr<Table>> tables_;
  };

  state::DiskHost& below_;
};

class WorkerDisk : public Bench {
 protected:
  ~WorkerDisk() override { workers.clear(); }  // before their disks and their memory

  MemoryDiskHost& new_disk(state::MemoryDiskOptions how = {}) { return disks.emplace_back(how); }
  WorkerOptions on(MemoryDiskHost& disk) {
    WorkerOptions wanted = options();
    wanted.disks = &disk;
    wanted.on_restore = &restores;
    return wanted;
  }
  void close(Worker& worker) {
    worker.close();
    run_until([&] { return worker.finished(); });
    EXPECT_EQ(worker.failure(), "");
    kill(worker);
  }
  std::string why_it_backs_off(Worker& worker) {
    run_until(
        [&] { return worker.state() == WorkerState::kRunning && !worker.backing_off().empty(); });
    return worker.backing_off().begin()->second;
  }
  void put_many(int count) {
    for (int i = 0; i < count; ++i) put("v", std::to_string(i % 20));
  }

  Restores restores;
  std::deque<MemoryDiskHost> disks;
  state::MemoryBudget memory{20'000};
};

Topology counting_windows() {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in")
      .group_by_key()
      .windowed_by(TimeWindows{.size = 10ms, .grace = 0ms})
      .count("w")
      .to_stream()
      .map([](const Windowed<std::string>& w, const std::optional<std::int64_t>& n) {
        return KeyValue{w.key, std::to_string(n.value_or(0))};
      })
      .to("out");
  return builder.build();
}

TEST_F(WorkerDisk, RestartReadsOnlyWhatTheDiskDoesNotHave) {
  create_topics();
  MemoryDiskHost& disk = new_disk();
  put_many(100);
  Worker& first = start(counting(), on(disk));
  settle();
  EXPECT_EQ(restores.records, 0);
  close(first);

  Worker& second = start(counting(), on(disk));
  settle();
  EXPECT_EQ(restores.records, 0) << "all of it was on disk";
  put("v", "7");
  settle();
  EXPECT_EQ(values("out").substr(values("out").size() - 1), "6");
  close(second);

  // Another machine has all to read.
  MemoryDiskHost& empty = new_disk();
  start(counting(), on(empty));
  settle();
  EXPECT_EQ(restores.records, 21) << "one a key and commit";
}

TEST_F(WorkerDisk, TaskWhoseDiskDoesNotOpenBacksOffWhileTheOthersCommit) {
  create_topics(2);
  RefusingHost host(new_disk());
  put("v", "a", 0);
  put("v", "a", 1);
  WorkerOptions wanted = options();
  wanted.disks = &host;
  Worker& worker = start(counting(), wanted);
  EXPECT_THAT(why_it_backs_off(worker), HasSubstr("the disk refused"));
  // Both counts go to one partition, that of their key.
  run_until([&] { return values("out", 0) + values("out", 1) == "1"; });
  EXPECT_FALSE(worker.backing_off().empty()) << "the other one did not wait for it";
  run_until([&] { return values("out", 0) + values("out", 1) == "1 1"; });
  EXPECT_EQ(worker.failure(), "");
}

TEST_F(WorkerDisk, TaskWhoseDiskFailsForGoodWhileItRestoresOpensItAnew) {
  create_topics();
  MemoryDiskHost& elsewhere = new_disk();
  put_many(40);
  Worker& first = start(counting(), on(elsewhere));
  settle();
  close(first);

  BreakingHost host(new_disk());
  host.broken = true;
  WorkerOptions wanted = options();
  wanted.disks = &host;
  wanted.on_restore = &restores;
  Worker& worker = start(counting(), wanted);
  EXPECT_THAT(why_it_backs_off(worker), HasSubstr("the disk is broken"));
  host.broken = false;
  put("v", "7");
  run_until([&] { return worker.backing_off().empty(); });
  settle();
  EXPECT_EQ(values("out").substr(values("out").size() - 1), "3");
  EXPECT_EQ(restores.last.position, restores.last.end);
  close(worker);
}

TEST_F(WorkerDisk, TaskThatCannotReadItsDiskOpensItAnew) {
  create_topics();
  BreakingHost host(new_disk());
  WorkerOptions wanted = options();
  wanted.disks = &host;
  put("v", "7");
  Worker& first = start(counting(), wanted);
  settle();
  close(first);

  Worker& second = start(counting(), wanted);
  settle();
  host.broken = true;
  put("v", "7");  // not in memory
  EXPECT_THAT(why_it_backs_off(second), HasSubstr("the disk cannot be read"));
  const int opened = host.opened;
  host.broken = false;
  run_until([&] { return second.backing_off().empty(); });
  settle();
  EXPECT_EQ(values(), "1 2");
  EXPECT_EQ(host.opened, opened) << "it was well again";

  host.broken = true;
  put("v", "8");
  why_it_backs_off(second);
  run_until([&] { return host.opened > opened; });
  host.broken = false;
  run_until([&] { return second.backing_off().empty(); });
  settle();
  EXPECT_EQ(values(), "1 2 1");
  close(second);
}

// Whatever a crash leaves on the disk, the changelog gives the rest.
TEST_F(WorkerDisk, CrashesAnywhereLoseAndDoubleNothing) {
  create_topics();
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    MemoryDiskHost& disk = new_disk({seed});
    std::string expected;
    const std::string key = "of-" + std::to_string(seed);
    for (std::uint64_t life = 0; life < 5; ++life) {
      Worker& worker = start(counting(), on(disk));
      put("v", key);
      for (std::uint64_t i = 0; i < (seed * 7 + life * 13) % 60; ++i) {
        if (!step()) wait();
      }
      disk.crash();
      kill(worker);
    }
    Worker& last = start(counting(), on(disk));
    settle();
    std::vector<std::string> counts;
    for (const auto& record : log.read_all("out", Partition(0), Isolation::kReadCommitted)) {
      if (record.key == key) counts.push_back(record.value.value());
    }
    EXPECT_THAT(counts, ::testing::ElementsAre("1", "2", "3", "4", "5"));
    close(last);
  }
}

TEST_F(WorkerDisk, ChangedStoreIsRefusedAndARenamedOneIsNew) {
  create_topics();
  MemoryDiskHost& disk = new_disk();
  put_many(40);
  {
    Worker& first = start(counting_windows(), on(disk));
    settle();
    close(first);
  }
  const auto with_retention = [](auto count) {
    StreamsBuilder builder;
    count(builder.stream<std::string, std::string>("in").group_by_key().windowed_by(
        TimeWindows{.size = 10ms, .grace = 0ms}));
    return builder.build();
  };
  {
    Worker& changed = start(
        with_retention([](auto windows) { windows.count("w", {.retention = 50ms}); }), on(disk));
    EXPECT_THAT(why_it_backs_off(changed), HasSubstr("store 'w'"));
    kill(changed);
  }
  Worker& renamed = start(
      with_retention([](auto windows) { windows.count("w2", {.retention = 50ms}); }), on(disk));
  settle();
  close(renamed);
  Worker& before = start(counting_windows(), on(disk));
  settle();
  close(before);
}

TEST_F(WorkerDisk, ChangelogThatWasMadeAnewIsRefused) {
  create_topics();
  MemoryDiskHost& disk = new_disk();
  put_many(40);
  Worker& first = start(counting(), on(disk));
  settle();
  close(first);
  log::Inbox inbox;
  const auto admin = log.make_admin(inbox);
  const auto delete_changelog = [&] {
    admin->submit_delete_topics(log::OperationId(1), {"app-n-changelog"});
    rest();
    create("app-n-changelog");
  };
  delete_changelog();
  {
    Worker& second = start(counting(), on(disk));
    EXPECT_THAT(why_it_backs_off(second),
                AllOf(HasSubstr("changelog app-n-changelog-0 ends at offset 0"),
                      HasSubstr("store n"), HasSubstr("made anew")));
    kill(second);
  }
  // Grown beyond what the store has, with other records.
  for (int i = 0; i < 60; ++i)
    put(std::string(8, '\0'), "k" + std::to_string(i), 0, 777, "app-n-changelog");
  Worker& third = start(counting(), on(disk));
  EXPECT_THAT(why_it_backs_off(third),
              AllOf(HasSubstr("another than the one that the store on disk was filled from"),
                    HasSubstr("Delete the task's directory")));
}

// The bound is committed before anything is deleted, so a store that has less than the log still has
// is told from one that lost records.
TEST_F(WorkerDisk, ChangelogMayBeginWhereACommitSaidAndNotLater) {
  create_topics();
  MemoryDiskHost& long_ago = new_disk();
  MemoryDiskHost& long_ago_too = new_disk();
  for (MemoryDiskHost* disk : {&long_ago, &long_ago_too}) {
    Worker& worker = start(counting_windows(), on(*disk));
    put("v");
    settle();
    close(worker);
  }
  const Offset had = log.end_offset("app-w-changelog", Partition(0));
  MemoryDiskHost& elsewhere = new_disk();
  Worker& worker = start(counting_windows(), on(elsewhere));
  for (int i = 0; i < 30; ++i) {
    put("v", "k", 0, i * 10);
    settle();
  }
  clock.advance(Duration(31'000));  // it deletes at most every 30 s
  put("v", "k", 0, 300);
  settle();
  rest();
  const Offset begins = log.start_offset("app-w-changelog", Partition(0));
  ASSERT_GT(begins, had);
  close(worker);

  Worker& again = start(counting_windows(), on(long_ago));
  settle();
  EXPECT_EQ(restores.last.start, begins);
  put("v", "k", 0, 305);
  settle();
  EXPECT_EQ(values().substr(values().size() - 2), " 2") << "the window that is open goes on";
  close(again);

  log::Inbox inbox;
  const auto admin = log.make_admin(inbox);
  const Offset end = log.end_offset("app-w-changelog", Partition(0));
  admin->submit_delete_records(log::OperationId(1), {{{"app-w-changelog", Partition(0)}, end}});
  rest();
  Worker& refused = start(counting_windows(), on(long_ago_too));
  EXPECT_THAT(why_it_backs_off(refused),
              AllOf(HasSubstr("changelog app-w-changelog-0 begins at offset"),
                    HasSubstr("those in between are gone")));
}

TEST_F(WorkerDisk, ShortMemoryChangesNoResult) {
  create_topics();
  MemoryDiskHost& disk = new_disk({3});
  WorkerOptions wanted = on(disk);
  wanted.memory = &memory;
  wanted.commit_interval = Duration(10'000);
  Worker& worker = start(counting(), wanted);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 2'000; ++i) put("v", "key-" + std::to_string(i));
  }
  settle();
  std::map<std::string, std::string> last;
  for (const auto& record : log.read_all("out", Partition(0), Isolation::kReadCommitted))
    last[record.key.value()] = record.value.value();
  EXPECT_EQ(last.size(), 2'000u);
  for (const auto& [key, count] : last) ASSERT_EQ(count, "3") << key;
  EXPECT_GT(worker.transaction().counts().commits, 3) << "short of memory it commits early";
  for (int i = 0; i < 1'000; ++i) step();
  // An entry in memory takes more than 100 bytes; what stays is the index, which does not shrink.
  EXPECT_LT(memory.used(state::MemoryUse::kCells), 2'000u * 50) << "what is on disk leaves memory";
}

}  // namespace
}  // namespace millrace::worker
