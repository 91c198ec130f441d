#include "rocks/state_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "statestore/rocks/rocks_support.h"

namespace millrace::state::rocks {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

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

class StateDirectoryTest : public testing::Test {
 protected:
  Status opened(const std::filesystem::path& path) {
    return StateDirectory::open(path, lines_).status();
  }
  TemporaryDirectory directory_;
  LoggedLines lines_;
};

TEST_F(StateDirectoryTest, EverythingWrongIsSaidAtOnce) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  const auto path = directory_.path() / "app";
  std::filesystem::create_directory(path);
  ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
  ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
  EXPECT_THAT(opened(path).message(),
              AllOf(HasSubstr("belongs to user 12345"), HasSubstr("written to by other users")));
}

TEST_F(StateDirectoryTest, WhatCannotBeRenamedIsRefused) {
  const auto path = directory_.path() / "app";
  ASSERT_TRUE(opened(path).ok());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path), {}), 1) << "the lock alone";
  std::filesystem::create_directories(path / ".probe-renamed");  // the rename fails
  EXPECT_THAT(opened(path).message(), AllOf(HasSubstr("cannot be written to"),
                                            HasSubstr("state.dir"), HasSubstr("Is a directory")));
  std::filesystem::remove(path / ".probe-renamed");
  EXPECT_TRUE(opened(path).ok()) << "the lock was given back";
}

TEST_F(StateDirectoryTest, AProbeThatAKilledProcessLeftDoesNotMatter) {
  const auto path = directory_.path() / "app";
  ASSERT_TRUE(opened(path).ok());
  std::ofstream(path / ".probe") << "left";
  std::ofstream(path / ".probe-renamed") << "left";
  EXPECT_TRUE(opened(path).ok());
}

TEST_F(StateDirectoryTest, ADirectoryAboveThatAllCanWriteToIsWarnedOf) {
  const auto above = directory_.path() / "above";
  std::filesystem::create_directory(above);
  ASSERT_EQ(::chmod(above.c_str(), 01777), 0);
  ASSERT_TRUE(opened(above / "app").ok());
  EXPECT_THAT(lines_.all(), Not(HasSubstr("all users")));
  ASSERT_EQ(::chmod(above.c_str(), 0777), 0);
  ASSERT_TRUE(opened(above / "app").ok());
  EXPECT_THAT(lines_.all(),
              AllOf(HasSubstr("WARNING directory " + above.string()), HasSubstr("all users")));
}

TEST_F(StateDirectoryTest, MemoryIsWarnedOf) {
  struct statfs system {};
  ASSERT_EQ(::statfs(directory_.path().c_str(), &system), 0);
  ASSERT_TRUE(opened(directory_.path() / "app").ok());
  EXPECT_EQ(lines_.all().find("tmpfs") != std::string::npos, system.f_type == TMPFS_MAGIC);
}

}  // namespace
}  // namespace millrace::state::rocks
