// What tasks send waits here, in order, until the log has room.
#include "task/output_buffer.h"

#include <gtest/gtest.h>

#include "support/scripted_log.h"

namespace millrace::task {
namespace {

class OutputBufferTest : public ::testing::Test {
 protected:
  OutputBufferTest() { producer = log.make_producer({"app-1"}, inbox); }
  void send(const std::string& topic, OptionalBytesView value, const Headers& headers = {}) {
    output.send(output.add_topic(topic, 3), Partition(1), "k", value, from_ms(1), headers);
  }

  testing::Journal journal;
  log::Inbox inbox;
  testing::ScriptedLog log{journal};
  std::unique_ptr<log::LogProducer> producer;
  OutputBuffer output;
};

TEST_F(OutputBufferTest, TheSameTopicIsTheSameTarget) {
  const auto first = output.add_topic("a", 3);
  const auto second = output.add_topic("b", 4);
  EXPECT_EQ(output.add_topic("a", 3).index, first.index);
  EXPECT_NE(first.index, second.index);
  EXPECT_EQ(second.partitions, 4);
}

TEST_F(OutputBufferTest, HandsOverInOrder) {
  journal.take();
  send("a", "1");
  send("b", std::nullopt);
  send("a", "");
  EXPECT_EQ(output.waiting(), 3u);
  EXPECT_TRUE(output.hand_over(*producer));
  EXPECT_EQ(journal.take(), "send:1 send:null send:");
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(output.bytes(), 0u);
}

TEST_F(OutputBufferTest, GoesOnWhereTheLogWasFull) {
  send("a", "1");
  log.full = true;
  EXPECT_FALSE(output.hand_over(*producer));
  send("a", "2");
  EXPECT_EQ(output.waiting(), 2u);
  log.full = false;
  journal.take();
  EXPECT_TRUE(output.hand_over(*producer));
  EXPECT_EQ(journal.take(), "send:1 send:2");
}

TEST_F(OutputBufferTest, BytesAndHeadersOutliveTheSender) {
  {
    std::string value(100, 'x');
    Headers headers;
    headers.add("h", "1");
    send("a", value, headers);
    value.assign(100, 'y');
  }
  for (int i = 0; i < 1'000; ++i) send("a", std::string(1'000, 'z'));  // the buffer grows
  journal.take();
  EXPECT_TRUE(output.hand_over(*producer));
  EXPECT_EQ(journal.take().substr(0, 10), "send:xxxxx");
}

TEST_F(OutputBufferTest, AClearedBufferHasNothing) {
  send("a", "1");
  output.clear();
  EXPECT_TRUE(output.empty());
  journal.take();
  EXPECT_TRUE(output.hand_over(*producer));
  EXPECT_EQ(journal.take(), "");
}

TEST_F(OutputBufferTest, AnotherProducerHasOtherHandles) {
  send("a", "1");
  send("b", "2");
  output.hand_over(*producer);
  output.forget_producer();
  producer = log.make_producer({"app-1"}, inbox);
  send("b", "3");
  journal.take();
  EXPECT_TRUE(output.hand_over(*producer));
  EXPECT_EQ(journal.take(), "send:3");
}

}  // namespace
}  // namespace millrace::task
