// Failpoints: this program brings its own core/failpoint.cc, compiled with the option that the library
// beside it is compiled without.
#include "millrace/detail/failpoint.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

namespace millrace::failpoint {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

void pass_one() { MR_FAILPOINT("test.one"); }
void pass_two() { MR_FAILPOINT("test.two"); }
int write_something() { return MR_FAILPOINT_ERROR("test.write"); }
[[maybe_unused]] void nobody_calls_this() { MR_FAILPOINT("test.never"); }

std::uint64_t hits(std::string_view name) {
  for (const Count& count : counts()) {
    if (count.name == name) return count.hits;
  }
  return 0;
}

class FailpointTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(configure("", 0), std::nullopt); }
  void TearDown() override { EXPECT_EQ(configure("", 0), std::nullopt); }
};

TEST_F(FailpointTest, EverySiteIsListedAlsoOneThatIsNeverPassed) {
  EXPECT_THAT(sites(), ElementsAre("test.never", "test.one", "test.two", "test.write"));
}

TEST_F(FailpointTest, HitsAreCountedAlsoWhereNothingIsOrdered) {
  pass_one();
  pass_one();
  EXPECT_EQ(hits("test.one"), 2U);
  EXPECT_EQ(hits("test.two"), 0U);
}

TEST_F(FailpointTest, AnErrorIsGivenToSitesThatCanFailAndToNoOthers) {
  ASSERT_EQ(configure("test.*=error(ENOSPC)", 0), std::nullopt);
  EXPECT_EQ(write_something(), ENOSPC);
  pass_one();
}

TEST_F(FailpointTest, ThrowNamesItsSite) {
  ASSERT_EQ(configure("test.one=throw", 0), std::nullopt);
  EXPECT_THAT(pass_one, testing::ThrowsMessage<Thrown>(HasSubstr("test.one")));
}

TEST_F(FailpointTest, AfterLetsTheFirstHitsPassAndOnceActsOnce) {
  ASSERT_EQ(configure("test.write=error(EIO):after=2:once", 0), std::nullopt);
  std::vector<int> codes;
  for (int i = 0; i < 5; ++i) codes.push_back(write_something());
  EXPECT_THAT(codes, ElementsAre(0, 0, EIO, 0, 0));
}

TEST_F(FailpointTest, TheSameSeedActsOnTheSameHits) {
  const auto run = [](std::uint64_t seed) {
    EXPECT_EQ(configure("test.write=error(EIO):p=1/4", seed), std::nullopt);
    std::vector<bool> acted;
    for (int i = 0; i < 400; ++i) acted.push_back(write_something() != 0);
    return acted;
  };
  const auto first = run(7);
  EXPECT_EQ(run(7), first);
  EXPECT_NE(run(8), first);
  const auto acted = std::count(first.begin(), first.end(), true);
  EXPECT_GT(acted, 60);
  EXPECT_LT(acted, 140);
}

TEST_F(FailpointTest, KillLeavesTheHitsOfTheDeadInTheFile) {
  const std::string file = testing::TempDir() + "failpoint_hits";
  std::remove(file.c_str());
  for (int life = 0; life < 2; ++life) {
    EXPECT_EXIT(
        {
          EXPECT_EQ(configure("test.one=kill:after=2", 0), std::nullopt);
          EXPECT_EQ(count_into(file), std::nullopt);
          pass_two();
          for (int i = 0; i < 10; ++i) pass_one();
        },
        testing::KilledBySignal(SIGKILL), "");
  }
  std::ifstream in(file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  ASSERT_EQ(bytes.size(), 4 * 64U) << "one entry a site, also after two lives";
  const auto number = [&](std::size_t entry, std::size_t at) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + entry * 64 + at, sizeof value);
    return value;
  };
  ASSERT_STREQ(bytes.data() + 64, "test.one");
  EXPECT_EQ(number(1, 48), 6U);
  EXPECT_EQ(number(1, 56), 2U);
  ASSERT_STREQ(bytes.data() + 128, "test.two");
  EXPECT_EQ(number(2, 48), 2U);
  std::remove(file.c_str());
}

TEST_F(FailpointTest, ManyThreadsCountEveryHitAndOnceStaysOnce) {
  ASSERT_EQ(configure("test.write=error(EIO):once", 0), std::nullopt);
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) failed += write_something() != 0 ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 1);
  EXPECT_EQ(hits("test.write"), 4000U);
}

TEST_F(FailpointTest, EveryMistakeIsToldAndNothingIsChanged) {
  ASSERT_EQ(configure("test.write=error(EIO)", 0), std::nullopt);
  const auto mistakes = configure(
      "test.one=explode,test.oen=kill,test.one=error(EIO),test.one=kill:after=x,nothing", 0);
  ASSERT_TRUE(mistakes.has_value());
  EXPECT_THAT(*mistakes, HasSubstr("explode"));
  EXPECT_THAT(*mistakes, HasSubstr("'test.oen=kill' reaches no site"));
  EXPECT_THAT(*mistakes,
              HasSubstr("'test.one=error(EIO)' reaches no site of this program that can fail"));
  EXPECT_THAT(*mistakes, HasSubstr("after=x"));
  EXPECT_THAT(*mistakes, HasSubstr("'nothing'"));
  EXPECT_EQ(write_something(), EIO);
}

}  // namespace
}  // namespace millrace::failpoint
