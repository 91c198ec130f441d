// The suite on each log, and the table of its results: case by case, a column for each log. What
// did not run on the broker although there is one (or should be: CI) is a failure.
#include <cstdio>
#include <map>
#include <string>

#include "conformance/log_conformance.h"

namespace millrace::conformance {
namespace {

const LogKind kKafka{"kafka", make_kafka_log, true};
const LogKind kMemory{"memory", make_memory_log, false};
const LogKind kJournal{"journal", make_journal_log, false};

std::string name_of(const testing::TestParamInfo<LogKind>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Logs, LogConformance, testing::Values(kKafka, kMemory, kJournal), name_of);
INSTANTIATE_TEST_SUITE_P(Logs, GroupConformance, testing::Values(kKafka, kMemory, kJournal),
                         name_of);

struct Line {
  std::map<std::string, std::string> results;  // by log
};

class Table final : public testing::Environment {
 public:
  void TearDown() override {
    std::map<std::string, Line> lines;
    bool broker_selected = false;
    const testing::UnitTest& unit = *testing::UnitTest::GetInstance();
    for (int i = 0; i < unit.total_test_suite_count(); ++i) {
      const testing::TestSuite& suite = *unit.GetTestSuite(i);
      for (int j = 0; j < suite.total_test_count(); ++j) {
        const testing::TestInfo& info = *suite.GetTestInfo(j);
        const std::string full = info.name();
        const auto slash = full.find('/');
        if (!info.should_run() || slash == std::string::npos) continue;
        const std::string log = full.substr(slash + 1);
        Line& line = lines[full.substr(0, slash)];
        line.results[log] = info.result()->Passed()    ? "passed"
                            : info.result()->Skipped() ? "NOT RUN"
                                                       : "FAILED";
        broker_selected = broker_selected || log == kKafka.name;
      }
    }
    if (!lines.empty()) print(lines, broker_selected && (!test_brokers().empty() || in_ci()));
  }

 private:
  static void print(const std::map<std::string, Line>& lines, bool broker_required) {
    const LogKind* const kinds[] = {&kKafka, &kMemory, &kJournal};
    std::map<std::string, std::map<std::string, int>> totals;
    std::printf("\n%-56s %-10s %-10s %s\n", "case", "broker", "memory", "journal");
    for (const auto& [name, line] : lines) {
      std::printf("%-56s", name.c_str());
      for (const LogKind* kind : kinds) {
        const auto found = line.results.find(kind->name);
        const std::string cell = found != line.results.end() ? found->second : "NOT RUN";
        ++totals[kind->name][cell];
        std::printf(" %-10s", cell.c_str());
        if (broker_required && kind->is_broker && cell == "NOT RUN")
          ADD_FAILURE() << name << " did not run on the broker";
      }
      std::printf("\n");
    }
    print_totals("broker", totals[kKafka.name]);
    print_totals("memory", totals[kMemory.name]);
    print_totals("journal", totals[kJournal.name]);
  }

  static void print_totals(const char* log, const std::map<std::string, int>& totals) {
    std::printf("%s:", log);
    for (const auto& [result, count] : totals) std::printf(" %d %s", count, result.c_str());
    std::printf("\n");
  }
};

const testing::Environment* const kTable = testing::AddGlobalTestEnvironment(new Table);

}  // namespace
}  // namespace millrace::conformance
