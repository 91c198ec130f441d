// A random walk over the memory log beside a model that is too simple to be wrong: after every
// operation both must show the same records, offsets and answers.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "log/memory/random.h"
#include "streams/log/memory_fixture.h"

namespace millrace::log::memory {
namespace {

constexpr int kPartitions = 3;
constexpr Duration kTimeout{1000};

// Partitions as lists of what takes an offset, and transactions as sets of partitions.
class Model {
 public:
  enum class End { kOpen, kCommitted, kAborted };
  struct Item {
    std::string value;
    int transaction = -1;  // −1: none
    bool marker = false;
  };
  struct Transaction {
    End end = End::kOpen;
    std::set<int> touched;
    Duration deadline{0};
  };

  void append(int p, std::string value, int transaction) {
    if (transaction >= 0) transactions[at(transaction)].touched.insert(p);
    items[at(p)].push_back({std::move(value), transaction, false});
  }
  int begin(Duration deadline) {
    transactions.push_back({End::kOpen, {}, deadline});
    return static_cast<int>(transactions.size()) - 1;
  }
  void end(int transaction, End how) {
    Transaction& t = transactions[at(transaction)];
    t.end = how;
    for (const int p : t.touched) items[at(p)].push_back({"", transaction, true});
  }
  std::size_t last_stable(int p) const {
    const auto& list = items[at(p)];
    for (std::size_t i = 0; i < list.size(); ++i) {
      const bool open =
          list[i].transaction >= 0 && transactions[at(list[i].transaction)].end == End::kOpen;
      if (open) return std::max(i, start[at(p)]);
    }
    return list.size();
  }
  std::string shown(int p, Isolation isolation) const {
    const auto& list = items[at(p)];
    const std::size_t to = isolation == Isolation::kReadCommitted ? last_stable(p) : list.size();
    std::string all;
    for (std::size_t i = start[at(p)]; i < to; ++i) {
      const Item& item = list[i];
      const bool aborted =
          item.transaction >= 0 && transactions[at(item.transaction)].end == End::kAborted;
      if (item.marker || (aborted && isolation == Isolation::kReadCommitted)) continue;
      all += std::to_string(i) + ":" + item.value + " ";
    }
    return all;
  }

  std::array<std::vector<Item>, kPartitions> items;
  std::array<std::size_t, kPartitions> start{};
  std::vector<Transaction> transactions;
  std::map<int, Offset> offsets;  // of the group, by partition

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
};

// One producer of the walk. Two may have the same id; the model knows which of them is current.
struct Walker {
  std::string id;
  std::unique_ptr<LogProducer> producer;
  bool open = false;
  bool must_abort = false;
  int transaction = -1;  // −1: nothing written yet
  std::vector<OffsetToCommit> offsets;
};

// What is written to "t" as a reader that goes on reading collects it.
struct Collector {
  std::unique_ptr<LogReader> reader;
  std::vector<ReaderPartition> partitions;
  std::array<std::string, kPartitions> seen;
};

class Walk {
 public:
  Walk(std::uint64_t seed, HostileOptions hostile)
      : random_(seed), log_(clock_, {.hostile = hostile}) {
    log_.create_topic({"t", kPartitions, {}});
    for (const Isolation isolation : {Isolation::kReadCommitted, Isolation::kReadUncommitted}) {
      Collector& c = collectors_.emplace_back();
      c.reader = log_.make_reader({isolation}, readers_.inbox());
      for (int p = 0; p < kPartitions; ++p)
        c.partitions.push_back(c.reader->start({"t", Partition(p)}, Offset(0)));
    }
  }

  void run(int operations) {
    for (int i = 0; i < operations && !::testing::Test::HasFailure(); ++i) {
      SCOPED_TRACE("operation " + std::to_string(i));
      one_operation();
      compare();
    }
  }

 private:
  int partition() { return static_cast<int>(random_.below(kPartitions)); }
  std::string value() { return "v" + std::to_string(++values_); }
  bool is_current(const Walker& w) { return current_[w.id] == &w; }

  void one_operation() {
    switch (random_.below(12)) {
      case 0: {
        const int p = partition();
        const std::string v = value();
        ASSERT_TRUE(log_.append("t", Partition(p), text("k", v)).ok());
        model_.append(p, v, -1);
        return;
      }
      case 1:
        return new_producer();
      case 2:
        return pass_time();
      case 3:
        return delete_records();
      default:
        if (!walkers_.empty()) act(*walkers_[random_.below(walkers_.size())]);
    }
  }

  void new_producer() {
    if (walkers_.size() > 5)
      walkers_.erase(walkers_.begin() + static_cast<std::ptrdiff_t>(random_.below(6)));
    auto walker = std::make_unique<Walker>();
    walker->id = random_.one_in(2) ? "p" : "q";
    walker->producer = client_.producer(walker->id, kTimeout);
    end_open(walker->id);
    current_[walker->id] = walker.get();
    walkers_.push_back(std::move(walker));
  }

  // The transaction open under the id, whoever holds it.
  void end_open(const std::string& id) {
    const auto open = open_.find(id);
    if (open == open_.end()) return;
    model_.end(open->second, Model::End::kAborted);
    open_.erase(open);
  }

  void pass_time() {
    clock_.advance(Duration(static_cast<int>(random_.below(700))));
    std::vector<std::string> over;
    for (const auto& [id, t] : open_) {
      if (model_.transactions[static_cast<std::size_t>(t)].deadline <= clock_.monotonic())
        over.push_back(id);
    }
    for (const std::string& id : over) {
      end_open(id);
      current_[id] = nullptr;
    }
  }

  void delete_records() {
    const int p = partition();
    auto& start = model_.start[static_cast<std::size_t>(p)];
    const std::size_t end = model_.items[static_cast<std::size_t>(p)].size();
    const std::size_t below = random_.below(end + 3);
    if (!random_.one_in(8)) return;
    auto admin = log_.make_admin(client_.inbox());
    const OperationId id = client_.next_id();
    admin->submit_delete_records(id,
                                 {{{"t", Partition(p)}, Offset(static_cast<std::int64_t>(below))}});
    EXPECT_EQ(client_.await(id).status.ok(), below <= end);
    if (below <= end) start = std::max(start, below);
  }

  void act(Walker& w) {
    if (!w.open) {
      w.open = w.producer->begin().ok();
      EXPECT_TRUE(w.open || !is_current(w));
      w.transaction = -1;
      w.offsets.clear();
      w.must_abort = false;
      return;
    }
    const std::uint64_t what = random_.below(10);
    if (what < 5) {
      send(w);
    } else if (what < 6) {
      const Status flushed = client_.flush(*w.producer);
      EXPECT_EQ(flushed.consequence(), !is_current(w) ? Consequence::kFenced
                                       : w.must_abort ? Consequence::kAbort
                                                      : Consequence::kNone);
    } else if (what < 9) {
      commit(w);
    } else {
      end(w, client_.abort(*w.producer), Model::End::kAborted);
    }
  }

  void send(Walker& w) {
    for (std::uint64_t n = 1 + random_.below(3); n > 0; --n) {
      const int p = partition();
      const std::string v = value();
      client_.send(*w.producer, "t", p, v);
      if (!is_current(w) || w.must_abort) continue;
      touch(w);
      model_.append(p, v, w.transaction);
    }
  }

  void touch(Walker& w) {
    if (w.transaction >= 0) return;
    w.transaction = model_.begin(clock_.monotonic() + kTimeout);
    open_[w.id] = w.transaction;
  }

  void commit(Walker& w) {
    std::vector<OffsetToCommit> offsets;
    for (std::uint64_t n = random_.below(3); n > 0; --n) {
      offsets.push_back({{"t", Partition(partition())},
                         Offset(static_cast<std::int64_t>(random_.below(100))),
                         ""});
    }
    FencingToken token{.group = "g"};
    if (random_.one_in(5)) token = {.group = "g", .generation = 1, .member = "nobody"};
    const bool refused = !offsets.empty() && token.generation >= 0;
    const Status status = client_.commit(*w.producer, offsets, token);
    if (is_current(w) && (refused || w.must_abort)) {
      EXPECT_EQ(status.consequence(), Consequence::kAbort);
      if (!w.must_abort) touch(w);
      w.must_abort = true;
      return;
    }
    if (is_current(w)) {
      for (const OffsetToCommit& o : offsets) model_.offsets[o.where.partition.value()] = o.next;
    }
    end(w, status, Model::End::kCommitted);
  }

  void end(Walker& w, const Status& status, Model::End how) {
    w.open = false;
    if (!is_current(w)) {
      EXPECT_EQ(status.consequence(), Consequence::kFenced);
      return;
    }
    EXPECT_TRUE(status.ok()) << status.message();
    if (w.transaction >= 0) model_.end(w.transaction, how);
    open_.erase(w.id);
  }

  void compare() {
    client_.settle();
    for (int p = 0; p < kPartitions; ++p) {
      const auto at = static_cast<std::size_t>(p);
      EXPECT_EQ(log_.end_offset("t", Partition(p)).value(), std::ssize(model_.items[at]));
      EXPECT_EQ(log_.last_stable_offset("t", Partition(p)).value(),
                static_cast<std::int64_t>(model_.last_stable(p)));
      EXPECT_EQ(log_.start_offset("t", Partition(p)).value(),
                static_cast<std::int64_t>(model_.start[at]));
      for (const Isolation isolation : {Isolation::kReadCommitted, Isolation::kReadUncommitted}) {
        std::string shown;
        for (const StoredRecord& r : log_.read_all("t", Partition(p), isolation)) {
          shown += std::to_string(r.offset.value()) + ":" + *r.value + " ";
        }
        EXPECT_EQ(shown, model_.shown(p, isolation));
      }
      const CommittedOffset committed = log_.committed_offset("g", {"t", Partition(p)});
      EXPECT_TRUE(committed.stable);
      EXPECT_EQ(committed.offset, model_.offsets.contains(p) ? model_.offsets.at(p) : kNoOffset);
      collect(p);
    }
  }

  // A reader that kept up has collected at least what is there now, once and in order.
  void collect(int p) {
    const auto at = static_cast<std::size_t>(p);
    for (Collector& c : collectors_) {
      const Offset start(static_cast<std::int64_t>(model_.start[at]));
      if (c.reader->position(c.partitions[at]) < start) {  // deleted before it could be shown
        c.reader->stop(c.partitions[at]);
        c.partitions[at] = c.reader->start({"t", Partition(p)}, start);
        log_.settle();
      }
      RecordBatch batch;
      do {
        c.reader->drain(c.partitions[at], 2, batch);
        for (const RecordView& r : batch) {
          c.seen[at] += std::to_string(r.offset.value()) + ":" + std::string(*r.value) + " ";
        }
      } while (!batch.empty());
      log_.settle();
      const bool committed = &c == &collectors_[0];
      const std::string now =
          model_.shown(p, committed ? Isolation::kReadCommitted : Isolation::kReadUncommitted);
      EXPECT_TRUE(c.seen[at].ends_with(now)) << c.seen[at] << "\n" << now;
      const auto end =
          static_cast<std::int64_t>(committed ? model_.last_stable(p) : model_.items[at].size());
      EXPECT_EQ(c.reader->position(c.partitions[at]), Offset(end));
      EXPECT_TRUE(c.reader->caught_up(c.partitions[at]));
    }
  }

  Random random_;
  ManualClock clock_;
  MemoryLog log_;
  Client client_{log_};
  Client readers_{log_};
  Model model_;
  std::vector<std::unique_ptr<Walker>> walkers_;
  std::map<std::string, Walker*> current_;  // by id; nullptr: fenced by the log itself
  std::map<std::string, int> open_;         // by id: the transaction that has written
  std::vector<Collector> collectors_;
  int values_ = 0;
};

TEST(MemoryModelTest, RandomWalksAgreeWithTheModel) {
  // Property: whatever is done in whatever order, records, last stable offsets, ends, starts,
  // committed offsets and the answers of operations are those of the model.
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Walk(seed, {}).run(400);
    if (HasFailure()) return;
  }
}

TEST(MemoryModelTest, LatenessChangesNothingInTheEnd) {
  // Property: the same walks agree with the same model when everything is late and in pieces, once
  // all of it has come.
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Walk(seed, {.seed = seed, .late_percent = 50}).run(400);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace millrace::log::memory
