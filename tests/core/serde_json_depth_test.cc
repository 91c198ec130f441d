// Documents of brackets: one record must not end a thread.
#include <gtest/gtest.h>
#include <pthread.h>

#include <ctime>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "millrace/serde_json.h"

namespace depth_shop {

struct Item {
  std::string name;
  int count = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Item, name, count)

}  // namespace depth_shop

namespace millrace {
namespace {

using depth_shop::Item;
using nlohmann::json;

Bytes write(const json& value) {
  Bytes out;
  Serde<json>().serialize(value, out);
  return out;
}

template <class T>
T read(BytesView in) {
  T value{};
  Serde<T>().deserialize(in, value);
  return value;
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonDepth, SixtyFourLevelsAreReadAndWrittenSixtyFiveAreNot) {
  // The same limit both ways: what is written can be read.
  EXPECT_EQ(write(read<json>(nested(64))), nested(64));
  EXPECT_THROW(read<json>(nested(65)), SerdeError);
  std::string objects = "1";
  for (int i = 0; i < 64; ++i) objects = "{\"a\":" + objects + '}';
  EXPECT_EQ(write(read<json>(objects)), objects);
  EXPECT_THROW(read<json>('[' + objects + ']'), SerdeError);
  EXPECT_THROW(write(json::array({read<json>(nested(64))})), SerdeError);
  // Breadth is no depth, nor are brackets in strings.
  EXPECT_EQ(read<json>('[' + nested(63) + ',' + nested(63) + ']').size(), 2u);
  EXPECT_EQ(read<json>('"' + std::string(1000, '[') + '"').get<std::string>().size(), 1000u);
}

TEST(JsonDepth, WritingADeepValueDoesNotRecurseIntoIt) {
  // A document that the program built is refused like one that it received.
  json deep = json::array();
  for (int i = 0; i < 100'000; ++i) {
    json outer = json::array();
    outer.push_back(std::move(deep));
    deep = std::move(outer);
  }
  EXPECT_THROW(write(deep), SerdeError);
}

// Effect: runs `work` in a thread with a stack of 256 KiB, as a program may give to its threads.
void run_on_small_stack(std::function<void()> work) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(
                &thread, &attributes,
                [](void* argument) -> void* {
                  (*static_cast<std::function<void()>*>(argument))();
                  return nullptr;
                },
                &work),
            0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

TEST(JsonDepth, BombsEndNoThread) {
  // A record of brackets is one bad record, whatever its size and however small the stack; with
  // nlohmann's own parser and writer 4.6 KB end a thread of 256 KiB.
  for (const std::size_t size :
       {std::size_t{65}, std::size_t{4'600}, std::size_t{150'000}, std::size_t{1'000'000}}) {
    std::string objects;
    while (objects.size() < size) objects += "{\"a\":";
    for (const std::string& bomb :
         {std::string(size, '['), nested(size), objects, std::string(size, '{')}) {
      run_on_small_stack([&] {
        EXPECT_THROW(read<json>(bomb), SerdeError);
        EXPECT_THROW(read<Item>(bomb), SerdeError);
        EXPECT_THROW(read<std::vector<std::vector<Item>>>(bomb), SerdeError);
      });
    }
  }
}

TEST(JsonDepth, FullDepthFitsASmallStack) {
  // What is allowed is also harmless: read, copied, written, destroyed.
  run_on_small_stack([] {
    const json document = read<json>(nested(64));
    const json copy = document;
    EXPECT_EQ(write(copy), nested(64));
  });
}

TEST(JsonDepth, BombsAreRefusedAtOnce) {
  // The time depends on the limit, not on the size of the record (CPU time of this thread, so that
  // a busy machine does not matter).
  const auto cpu_ms = [] {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
  };
  const std::string bomb(1'000'000, '[');
  const double start = cpu_ms();
  EXPECT_THROW(read<Item>(bomb), SerdeError);
  EXPECT_LT(cpu_ms() - start, 10);
}

}  // namespace
}  // namespace millrace
