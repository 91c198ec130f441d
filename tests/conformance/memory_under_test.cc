// The memory log under test: time is virtual, and passes when nothing else is due.
#include "conformance/log_under_test.h"
#include "log/memory/memory_log.h"
#include "millrace/clock.h"

namespace millrace::conformance {
namespace {

class MemoryUnderTest final : public LogUnderTest {
 public:
  log::Log& log() override { return log_; }
  void go_on(log::Inbox&) override {
    if (!log_.step()) clock_.advance(Duration(1));
  }
  Duration now() const override { return clock_.monotonic(); }

 private:
  ManualClock clock_{from_ms(1'700'000'000'000)};
  log::memory::MemoryLog log_{clock_};
};

}  // namespace

std::unique_ptr<LogUnderTest> make_memory_log() { return std::make_unique<MemoryUnderTest>(); }

}  // namespace millrace::conformance
