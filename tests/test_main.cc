// The main of every test program: skipped tests are said aloud, and a test that needs a broker
// is not passed for want of one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace {

// What ctest is told to count as skipped.
constexpr int kSkipped = 77;

bool in_ci() {
  const char* ci = std::getenv("CI");
  return ci != nullptr && std::string_view(ci) == "true";
}

bool has_broker() {
  const char* brokers = std::getenv("MILLRACE_TEST_BROKERS");
  return brokers != nullptr && *brokers != '\0';
}

#ifdef MILLRACE_TEST_NEEDS_BROKER
constexpr bool kNeedsBroker = true;
#else
constexpr bool kNeedsBroker = false;
#endif

void note_skipped(const char* program, int count) {
  std::fprintf(stderr, "\n*** %d SKIPPED in %s ***\n", count, program);
  if (const char* path = std::getenv("MILLRACE_SKIPPED_LOG")) {
    std::ofstream(path, std::ios::app) << count << ' ' << program << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  if (kNeedsBroker && !has_broker() && !GTEST_FLAG_GET(list_tests)) {
    std::fprintf(stderr,
                 "No broker: MILLRACE_TEST_BROKERS is not set. Start one with\n"
                 "  export MILLRACE_TEST_BROKERS=$(tools/kafka start)\n");
    note_skipped(argv[0], testing::UnitTest::GetInstance()->total_test_count());
    return in_ci() ? 1 : kSkipped;
  }
  // State goes where nobody's own lies, and no run finds that of another.
  std::string state = (std::filesystem::temp_directory_path() / "millrace-test-XXXXXX").string();
  if (::mkdtemp(state.data()) == nullptr) {
    std::perror(state.c_str());
    return 1;
  }
  ::setenv("XDG_STATE_HOME", state.c_str(), 1);
  int result = RUN_ALL_TESTS();
  std::error_code ignored;
  std::filesystem::remove_all(state, ignored);
  if (int count = testing::UnitTest::GetInstance()->skipped_test_count(); count > 0) {
    note_skipped(argv[0], count);
    if (kNeedsBroker && in_ci()) {
      std::fprintf(stderr, "A skipped broker test is a failure in CI.\n");
      result = 1;
    }
  }
  return result;
}
