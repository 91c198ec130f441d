// The configuration of the Kafka log.
#include <gmock/gmock.h>

#include "log/kafka/kafka_log.h"
#include "millrace/error.h"

namespace millrace::log {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string mistakes_of(KafkaLogOptions options) {
  try {
    KafkaLog log(std::move(options));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(KafkaConfigTest, AllMistakesAreNamedAtOnce) {
  // Every wrong property stands in one message, one a line, with its name.
  const std::string text = mistakes_of({.bootstrap_servers = "",
                                        .properties = {{"no.such.property", "1"},
                                                       {"producer.linger.ms", "soon"},
                                                       {"isolation.level", "read_uncommitted"},
                                                       {"consumer.group.id", "mine"}}});
  EXPECT_THAT(text, HasSubstr("bootstrap.servers: is empty"));
  EXPECT_THAT(text, HasSubstr("\n  no.such.property: librdkafka"));
  EXPECT_THAT(text, HasSubstr("\n  producer.linger.ms: "));
  EXPECT_THAT(text, HasSubstr("\n  isolation.level: belongs to the engine"));
  EXPECT_THAT(text, HasSubstr("\n  consumer.group.id: belongs to the engine"));
}

TEST(KafkaConfigTest, SecretsAreNeverPrinted) {
  // A refused value of a secret property is not repeated.
  const std::string text = mistakes_of({.bootstrap_servers = "127.0.0.1:1",
                                        .properties = {{"ssl.key.pem", "-----hunter2-----"},
                                                       {"producer.ssl.key.pem", "hunter2"},
                                                       {"sasl.mechanism", "MAGIC"},
                                                       {"sasl.password", "hunter2"}}});
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
}

TEST(KafkaConfigTest, WhatNoSinglePropertyShowsIsToldAtOnce) {
  // A combination that librdkafka refuses when a client starts is an error of the constructor.
  const std::string text = mistakes_of(
      {.bootstrap_servers = "127.0.0.1:1",
       .properties = {{"security.protocol", "ssl"}, {"ssl.ca.location", "/no/such/file"}}});
  EXPECT_THAT(text, HasSubstr("ssl.ca.location failed"));
}

TEST(KafkaConfigTest, PrefixesLimitAPropertyToOneKindOfClient) {
  // "producer." properties reach producers only; a property without prefix is for all.
  EXPECT_EQ(mistakes_of({.bootstrap_servers = "127.0.0.1:1",
                         .properties = {{"producer.linger.ms", "1"},
                                        {"consumer.fetch.wait.max.ms", "10"},
                                        {"admin.socket.timeout.ms", "5000"},
                                        {"reconnect.backoff.ms", "50"}}}),
            "");
}

}  // namespace
}  // namespace millrace::log
