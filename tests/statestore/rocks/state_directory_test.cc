#include "rocks/state_directory.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace millrace::state::rocks {
namespace {

// Names of topics stand for themselves; whatever else somebody may hand in makes another file, and
// never one outside of the directory.
TEST(FileNameOf, IsAnotherForEveryNameAndNeverLeavesTheDirectory) {
  EXPECT_EQ(file_name_of("orders.eu_west-3"), "orders.eu_west-3");
  std::vector<std::string> names = {"",  ".",     "..",    "%2e.", "/etc/passwd", "a/b",  "a%b",
                                    "A", "a%2fb", ".lock", "%",    "\xff",        "a\nb", "a b"};
  for (const std::size_t size : {1, 239, 240, 241, 300}) names.emplace_back(size, 'a');
  names.push_back(names.back());
  names.back().push_back('b');
  std::set<std::string> files;
  for (const std::string& name : names) {
    const std::string file = file_name_of(name);
    EXPECT_TRUE(files.insert(file).second) << file;
    EXPECT_EQ(file.find('/'), std::string::npos);
    EXPECT_NE(file.front(), '.');
    EXPECT_LE(file.size(), 240u);
  }
}

}  // namespace
}  // namespace millrace::state::rocks
