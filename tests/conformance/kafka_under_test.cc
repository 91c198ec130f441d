// Kafka under test: time is real; it waits for the inbox.
#include <chrono>
#include <cstdlib>

#include "conformance/log_under_test.h"
#include "log/kafka/kafka_log.h"
#include "millrace/clock.h"

namespace millrace::conformance {
namespace {

class KafkaUnderTest final : public LogUnderTest {
 public:
  log::Log& log() override { return log_; }
  void go_on(log::Inbox& inbox) override { inbox.wait(Duration(10)); }
  Duration now() const override { return SystemClock::instance().monotonic(); }

 private:
  log::KafkaLog log_{{.bootstrap_servers = test_brokers()}};
};

}  // namespace

std::string test_brokers() {
  const char* brokers = std::getenv("MILLRACE_TEST_BROKERS");
  return brokers == nullptr ? "" : brokers;
}

bool in_ci() {
  const char* ci = std::getenv("CI");
  return ci != nullptr && std::string(ci) == "true";
}

std::unique_ptr<LogUnderTest> make_kafka_log() { return std::make_unique<KafkaUnderTest>(); }

}  // namespace millrace::conformance
