// The same group with a real thread for each member. Meant for the thread sanitizer
// (-DMILLRACE_SANITIZE=thread), and true without it.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "log/group/local_group.h"
#include "log/group/local_membership.h"

namespace millrace::log {
namespace {

constexpr int kThreads = 4;
constexpr int kPartitions = 9;
constexpr int kLives = 60;

class SharedPartitions {
 public:
  // Owners are counted where the worker takes a partition up and before it lets go.
  void take(const TopicPartition& where) { EXPECT_EQ(owners_[index(where)].fetch_add(1), 0); }
  void let_go(const TopicPartition& where) { EXPECT_EQ(owners_[index(where)].fetch_sub(1), 1); }
  bool all_owned() const {
    for (const auto& owners : owners_) {
      if (owners.load() != 1) return false;
    }
    return true;
  }

 private:
  static std::size_t index(const TopicPartition& where) {
    return static_cast<std::size_t>(where.partition.value());
  }
  std::atomic<int> owners_[kPartitions]{};
};

// One membership from joining until `stop`; reads, owns and answers on its own thread.
class Life {
 public:
  Life(LocalGroups& groups, Epoch epoch, SharedPartitions& shared)
      : shared_(shared),
        groups_(groups),
        membership_(make_local_membership(groups.find("g"), epoch, inbox_)) {
    membership_->join({{"a", kPartitions}});
  }

  void serve() {
    inbox_.wait(Duration(1));
    Event event;
    while (inbox_.pop(event)) {
      if (const auto* assigned = std::get_if<Assigned>(&event.what)) {
        for (const TopicPartition& where : assigned->partitions) take(where);
        membership_->acknowledge();
      } else if (const auto* revoked = std::get_if<Revoked>(&event.what)) {
        for (const TopicPartition& where : revoked->partitions) let_go(where);
        membership_->acknowledge();
      }
    }
    if (const auto token = membership_->token()) static_cast<void>(groups_.check(*token));
  }
  // Effect: the end, with or without a word.
  void end(bool leaves) {
    for (const TopicPartition& where : std::vector(owned_)) let_go(where);
    if (leaves) membership_->submit_leave(OperationId(1));
  }

 private:
  void take(const TopicPartition& where) {
    shared_.take(where);
    owned_.push_back(where);
  }
  void let_go(const TopicPartition& where) {
    shared_.let_go(where);
    std::erase(owned_, where);
  }

  SharedPartitions& shared_;
  LocalGroups& groups_;
  Inbox inbox_;
  std::unique_ptr<GroupMembership> membership_;
  std::vector<TopicPartition> owned_;
};

// Threads that join and leave over and over never own a partition at the same time, and those that
// stay in the end own them all.
TEST(LocalGroupOfThreads, NeverShareAPartitionAndOwnAllInTheEnd) {
  LocalGroups groups;
  SharedPartitions shared;
  std::atomic<std::int64_t> epochs{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kLives; ++i) {
        Life life(groups, Epoch(++epochs), shared);
        for (int turn = 0; turn < (i + t) % 7; ++turn) life.serve();
        life.end(i % 2 == 0);
      }
      Life last(groups, Epoch(++epochs), shared);
      while (!stop) last.serve();
      last.end(true);
    });
  }
  while (!shared.all_owned()) std::this_thread::yield();
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace millrace::log
