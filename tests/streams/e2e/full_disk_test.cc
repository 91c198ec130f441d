// Disks that are full: a file system of a few megabytes in memory, of which a ballast takes most until it
// is said to be full; and files that may not grow.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "streams/e2e/lone_process.h"
#include "support/temporary_directory.h"

namespace millrace::e2e {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class FullDisk : public testing::Test {
 protected:
  FullDisk() { fs::create_directory(small_); }

  static std::string megabytes(int number) { return std::to_string(number * 1'000'000); }
  // A file system of its own for the process, and how much of it is left.
  std::vector<std::string> small_disk(int size, int left) const {
    return {"tmpfs=" + megabytes(size) + ':' + small_.string(),
            "ballast=" + std::to_string(size * 1'000'000 - left * 1'000'000) + ':' +
                (small_ / "ballast").string()};
  }
  // Effect: runs to its end; skips the test where this machine does not let it.
  int run(LoneProcess& process) {
    const int code = process.end();
    if (code == LoneProcess::kNotPossible) skip(process);
    return code;
  }
  static void skip(const LoneProcess& process) {
    [&] { GTEST_SKIP() << "no file system can be mounted here: " << process.said(); }();
  }

  TemporaryDirectory directory_;
  const fs::path small_ = directory_.path() / "small";
  const fs::path large_ = directory_.path() / "large";
};

TEST_F(FullDisk, OfTheLogIsWaitedForAndNothingIsLost) {
  auto options = small_disk(16, 5);
  options.insert(options.end(), {"value=300", "--property.embedded.segment.bytes=1048576"});
  LoneProcess process(small_ / "log", large_, 20'000, options);
  const int code = run(process);
  if (IsSkipped()) return;
  EXPECT_EQ(code, 0) << process.said();
  EXPECT_THAT(process.said(),
              AllOf(HasSubstr("waits for room"), HasSubstr("goes on: there is room")));
}

TEST_F(FullDisk, OfStateIsWaitedForAndNothingIsLost) {
  auto options = small_disk(160, 3);
  options.insert(options.end(), {"keys=400000", "hold=1", "--property.embedded.sync=off",
                                 "--state.memory.bytes=67108864"});
  LoneProcess process(large_, small_ / "state", 400'000, options);
  const bool written = process.hear("is written to disk again; nothing was lost");
  const int code = run(process);
  if (IsSkipped()) return;
  EXPECT_TRUE(written);
  EXPECT_EQ(code, 0) << process.said();
  EXPECT_THAT(process.said(), AllOf(HasSubstr("cannot be written: "), HasSubstr("No space left"),
                                    HasSubstr("wait in memory")));
}

TEST_F(FullDisk, AtTheStartIsRefused) {
  LoneProcess log(small_ / "log", large_, 1, small_disk(4, 0));
  const int log_code = run(log);
  if (IsSkipped()) return;
  EXPECT_EQ(log_code, LoneProcess::kRefused) << log.said();
  EXPECT_THAT(log.said(), AllOf(HasSubstr((small_ / "log").string()), HasSubstr("No space left"),
                                HasSubstr("once there is room")));
  LoneProcess state(large_, small_ / "state", 1, small_disk(4, 0));
  EXPECT_EQ(run(state), LoneProcess::kRefused) << state.said();
  EXPECT_THAT(state.said(),
              AllOf(HasSubstr("state directory " + (small_ / "state").string()),
                    HasSubstr("No space left"), HasSubstr("Nothing in it was touched")));
}

// A file system's limit, or a user's: no room will ever come of it.
TEST_F(FullDisk, AFileThatMayNotGrowStopsTheLogAndLosesNothing) {
  {
    LoneProcess process(large_ / "log", large_ / "state", 20'000,
                        {"value=300", "file_limit=" + megabytes(2)});
    EXPECT_EQ(process.end(), LoneProcess::kRefused) << process.said();
    EXPECT_THAT(process.said(), AllOf(HasSubstr("has stopped"), HasSubstr("File too large"),
                                      HasSubstr("all before it is kept")));
  }
  LoneProcess again(large_ / "log", large_ / "state", 10);
  EXPECT_EQ(again.end(), 0) << again.said();
}

}  // namespace
}  // namespace millrace::e2e
