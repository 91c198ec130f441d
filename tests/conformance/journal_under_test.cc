// The journal under test, in a directory of its own: time is real; it waits for the inbox.
#include <filesystem>
#include <stdexcept>

#include "conformance/log_under_test.h"
#include "log/journal/journal_log.h"
#include "millrace/clock.h"
#include "support/temporary_directory.h"

namespace millrace::conformance {
namespace {

class JournalUnderTest final : public LogUnderTest {
 public:
  JournalUnderTest() {
    auto opened = log::journal::JournalLog::open({.directory = directory_.path() / "journal"});
    if (!opened.ok()) throw std::runtime_error(opened.status().message());
    log_ = std::move(opened.value());
  }
  log::Log& log() override { return *log_; }
  void go_on(log::Inbox& inbox) override { inbox.wait(Duration(10)); }
  Duration now() const override { return SystemClock::instance().monotonic(); }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<log::journal::JournalLog> log_;
};

}  // namespace

std::unique_ptr<LogUnderTest> make_journal_log() { return std::make_unique<JournalUnderTest>(); }

}  // namespace millrace::conformance
