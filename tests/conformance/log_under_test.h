// A log as the conformance suite sees it: the log itself and the way its time passes. A case is
// written against this alone, so that it runs unchanged on every log.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "log/log.h"

namespace millrace::conformance {

class LogUnderTest {
 public:
  virtual ~LogUnderTest() = default;

  virtual log::Log& log() = 0;

  // Effect: lets the log go on: waits for the inbox a little, or takes a step of virtual time.
  virtual void go_on(log::Inbox& inbox) = 0;

  // The time that passed for this log, real or virtual.
  virtual Duration now() const = 0;
};

// One column of the table.
struct LogKind {
  std::string name;
  std::function<std::unique_ptr<LogUnderTest>()> make;
  bool is_broker = false;

  friend void PrintTo(const LogKind& kind, std::ostream* out) { *out << kind.name; }
};

// The broker to test: MILLRACE_TEST_BROKERS; empty: none.
std::string test_brokers();
bool in_ci();

std::unique_ptr<LogUnderTest> make_journal_log();
std::unique_ptr<LogUnderTest> make_kafka_log();
std::unique_ptr<LogUnderTest> make_memory_log();

}  // namespace millrace::conformance
