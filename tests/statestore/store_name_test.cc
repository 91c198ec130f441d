#include "millrace/store_name.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace millrace {
namespace {

inline constexpr KeyValueStoreName<std::string, std::int64_t> kVisits("visits");
inline constexpr WindowStoreName<std::string, std::int64_t> kHourly("hourly");

std::string name_of(Name name) { return name.str(); }

// A name is 1 to 200 of A-Z a-z 0-9 . _ - and neither "." nor "..".
TEST(StoreName, Rule) {
  for (const char* good : {"a", "Z", "0", "-", "_", "...", "word-counts.v2", "a.", ".a"}) {
    EXPECT_TRUE(is_valid_name(good)) << good;
  }
  for (const char* bad : {"", ".", "..", "a b", "a/b", "a:b", "ä", "a\n", "a,b", "a$"}) {
    EXPECT_FALSE(is_valid_name(bad)) << bad;
  }
  EXPECT_TRUE(is_valid_name(std::string(200, 'x')));
  EXPECT_FALSE(is_valid_name(std::string(201, 'x')));
  EXPECT_FALSE(is_valid_name(std::string_view("a\0b", 3)));
  static_assert(is_valid_name("known-to-the-compiler"));
}

// Where a name is taken, a literal, a typed name and a name made at run time are all welcome.
TEST(StoreName, LiteralTypedOrRuntime) {
  EXPECT_EQ(name_of("literal"), "literal");
  EXPECT_EQ(name_of(kVisits), "visits");
  EXPECT_EQ(name_of(kHourly), "hourly");
  EXPECT_EQ(name_of(runtime("per-" + std::string("tenant"))), "per-tenant");
  const KeyValueStoreName<std::string, int> made(runtime("made"));
  EXPECT_EQ(made.view(), "made");
  const KeyValueStoreName<std::string, int> literal = "literal";
  EXPECT_EQ(literal.view(), "literal");
}

// A run-time name may break the rule until build() looks at it.
TEST(StoreName, RuntimeNamesAreCheckedLater) {
  EXPECT_FALSE(is_valid_name(runtime("no spaces").text));
}

// Stores of other kinds or types have names of other types; all are trivial to copy.
TEST(StoreName, TypesTellStoresApart) {
  static_assert(!std::is_same_v<KeyValueStoreName<int, int>, WindowStoreName<int, int>>);
  static_assert(!std::is_same_v<KeyValueStoreName<int, int>, KeyValueStoreName<int, long>>);
  static_assert(std::is_same_v<decltype(kVisits)::Value, std::int64_t>);
  static_assert(std::is_trivially_copyable_v<Name>);
  static_assert(std::is_trivially_copyable_v<decltype(kVisits)>);
}

// The text of a run-time name outlives the string that it was made of; equal names are one text.
TEST(StoreName, InternedForEver) {
  std::string_view text;
  {
    std::string gone = "a-name-too-long-for-the-small-string-buffer";
    text = runtime(gone).text;
    gone.assign(gone.size(), '#');
  }
  EXPECT_EQ(text, "a-name-too-long-for-the-small-string-buffer");
  EXPECT_EQ(text.data(), runtime("a-name-too-long-for-the-small-string-buffer").text.data());
}

// Names may be made on many threads at once.
TEST(StoreName, InternedByThreads) {
  std::vector<std::vector<std::string_view>> texts(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : texts) {
      threads.emplace_back([&mine] {
        for (int i = 0; i < 500; ++i) mine.push_back(runtime("shared-" + std::to_string(i)).text);
      });
    }
  }
  for (const auto& other : texts) {
    for (std::size_t i = 0; i < other.size(); ++i) {
      EXPECT_EQ(other[i], "shared-" + std::to_string(i));
      EXPECT_EQ(other[i].data(), texts[0][i].data());
    }
  }
}

}  // namespace
}  // namespace millrace
