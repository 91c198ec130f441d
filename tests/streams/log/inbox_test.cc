// The inbox: order, waking, and pushes from other threads.
#include "log/inbox.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace millrace::log {
namespace {

using namespace std::chrono_literals;

Event event(std::int64_t id) { return {Epoch(1), OperationId(id), Status::success(), Done{}}; }

TEST(InboxTest, EventsComeOutInTheOrderOfPushing) {
  // Property: first in, first out; an empty inbox leaves the event alone.
  Inbox inbox;
  EXPECT_TRUE(inbox.empty());
  for (int i = 1; i <= 3; ++i) inbox.push(event(i));
  EXPECT_FALSE(inbox.empty());
  Event taken;
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(inbox.pop(taken));
    EXPECT_EQ(taken.operation, OperationId(i));
  }
  EXPECT_FALSE(inbox.pop(taken));
  EXPECT_EQ(taken.operation, OperationId(3));
}

TEST(InboxTest, WaitingEndsByAnEventAWakeOrTheTime) {
  // Property: wait() returns at once where an event is there or wake() was called since the last
  // wait; a wake counts once; without either it returns when the time is over.
  Inbox inbox;
  inbox.push(event(1));
  inbox.wait(1h);
  Event taken;
  ASSERT_TRUE(inbox.pop(taken));
  inbox.wake();
  inbox.wait(1h);
  const auto before = std::chrono::steady_clock::now();
  inbox.wait(20ms);
  EXPECT_GE(std::chrono::steady_clock::now() - before, 20ms);
}

TEST(InboxTest, OtherThreadsPushAndEndTheWait) {
  // Property: no event of several threads is lost or doubled, each thread's come in its order, and
  // the waiting thread always wakes.
  constexpr int kThreads = 3;
  constexpr int kEvents = 2'000;
  Inbox inbox;
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&inbox, t] {
      for (int i = 0; i < kEvents; ++i)
        inbox.push({Epoch(t), OperationId(i), Status::success(), Done{}});
    });
  }
  std::vector<std::int64_t> next(kThreads, 0);
  for (int taken = 0; taken < kThreads * kEvents;) {
    inbox.wait(1h);
    Event e;
    while (inbox.pop(e)) {
      EXPECT_EQ(e.operation.value(), next[static_cast<std::size_t>(e.epoch.value())]++);
      ++taken;
    }
  }
  EXPECT_TRUE(inbox.empty());
}

}  // namespace
}  // namespace millrace::log
