#include "log/kafka/kafka_config.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "millrace/error.h"

namespace millrace::log {
namespace {

struct OwnedKey {
  std::string_view key;
  std::string_view instead;
};

// What the engine's promises rest on.
constexpr OwnedKey kOwned[] = {
    {"bootstrap.servers", "give it as KafkaLogOptions::bootstrap_servers"},
    {"metadata.broker.list", "give it as KafkaLogOptions::bootstrap_servers"},
    {"client.id", "give it as KafkaLogOptions::client_id"},
    {"transactional.id", "the engine names its producers itself"},
    {"transaction.timeout.ms", "it follows from the commit interval"},
    {"enable.idempotence", "exactly-once needs it"},
    {"acks", "exactly-once needs all of them"},
    {"request.required.acks", "exactly-once needs all of them"},
    {"message.timeout.ms", "a record lives as long as its transaction"},
    {"delivery.timeout.ms", "a record lives as long as its transaction"},
    {"isolation.level", "the engine chooses it for each reader"},
    {"auto.offset.reset", "the engine decides it for each partition"},
    {"enable.auto.commit", "offsets are committed with transactions"},
    {"auto.commit.enable", "offsets are committed with transactions"},
    {"enable.auto.offset.store", "offsets are committed with transactions"},
    {"enable.partition.eof", "restore needs it"},
    {"group.id", "the engine names its group itself"},
    {"group.instance.id", "members are dynamic: a static one that wakes up fences its successor"},
    {"partition.assignment.strategy", "the engine assigns partitions itself"},
    {"allow.auto.create.topics", "a missing topic is an error"},
    {"message.max.bytes", "record sizes are checked against the topics' limits"},
};

constexpr std::array<std::pair<std::string_view, ClientRole>, 3> kPrefixes{{
    {"producer.", ClientRole::kProducer},
    {"consumer.", ClientRole::kConsumer},
    {"admin.", ClientRole::kAdmin},
}};

// "producer.linger.ms" is linger.ms for producers only; a property that has no prefix is for all.
struct Scoped {
  std::string key;
  std::optional<ClientRole> only;
};

Scoped scope_of(const std::string& name) {
  for (const auto& [prefix, role] : kPrefixes) {
    if (name.starts_with(prefix)) return {name.substr(prefix.size()), role};
  }
  return {name, std::nullopt};
}

bool is_secret(std::string_view key) {
  constexpr std::string_view kMarks[] = {"password", "secret", "private",           "pem",
                                         "username", "token",  "oauthbearer.config"};
  return std::any_of(std::begin(kMarks), std::end(kMarks), [&](std::string_view mark) {
    return key.find(mark) != std::string_view::npos;
  });
}

// Effect: sets one property. Returns what is wrong with it, or an empty string.
std::string set(rd_kafka_conf_t* conf, const std::string& key, const std::string& value) {
  char reason[512] = "";
  switch (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), reason, sizeof reason)) {
    case RD_KAFKA_CONF_OK:
      return "";
    case RD_KAFKA_CONF_UNKNOWN:
      return "librdkafka " + std::string(rd_kafka_version_str()) + " has no such property";
    default:
      // librdkafka's sentence repeats the value.
      return is_secret(key) ? "its value is not accepted" : reason;
  }
}

std::string check_property(rd_kafka_conf_t* conf, const std::string& name,
                           const std::string& value) {
  const std::string key = scope_of(name).key;
  for (const OwnedKey& owned : kOwned) {
    if (owned.key == key) return "belongs to the engine: " + std::string(owned.instead);
  }
  return set(conf, key, value);
}

// Defaults that a user may change. The numbers were measured with records of 100 bytes.
constexpr std::pair<const char*, const char*> kCommonDefaults[] = {
    {"reconnect.backoff.ms", "50"},
    {"reconnect.backoff.max.ms", "1000"},  // 10 s by itself: as long as a transaction lives
};
constexpr std::pair<const char*, const char*> kProducerDefaults[] = {
    {"linger.ms", "5"},  // a flush does not wait for it
    {"queue.buffering.max.messages",
     "500000"},  // at 100,000 the queue was full up to 213 times in 3 M records
    {"queue.buffering.max.kbytes", "262144"},
    {"compression.codec", "lz4"},
    {"retry.backoff.ms", "10"},  // a transaction begun at once meets CONCURRENT_TRANSACTIONS
    {"topic.metadata.propagation.max.ms",
     "3000"},  // so long a topic may be unknown after its creation
};
constexpr std::pair<const char*, const char*> kConsumerDefaults[] = {
    // Of each partition; a partition that has so much stops fetching (see FetchNudge for what then
    // makes it go on). Enough for the time that a fetch takes, and bounded with many partitions.
    {"queued.min.messages", "10000"}, {"queued.max.messages.kbytes", "4096"},
    {"fetch.wait.max.ms", "100"},     {"fetch.min.bytes", "1"},
    {"fetch.max.bytes", "16777216"},  {"fetch.error.backoff.ms", "100"},
    {"check.crcs", "true"},
};
constexpr std::pair<const char*, const char*> kAdminDefaults[] = {
    {"fetch.wait.max.ms", "100"},
};

}  // namespace

void ConfDeleter::operator()(rd_kafka_conf_s* conf) const { rd_kafka_conf_destroy(conf); }

void check_options(const KafkaLogOptions& options) {
  std::vector<std::string> mistakes;
  if (options.bootstrap_servers.empty()) {
    mistakes.push_back("bootstrap.servers: is empty; give host:port, several separated by commas");
  }
  if (options.operation_deadline <= Duration(0)) {
    mistakes.push_back("operation_deadline: must be longer than 0 ms");
  }
  const ConfPtr scratch(rd_kafka_conf_new());
  for (const auto& [name, value] : options.properties) {
    const std::string wrong = check_property(scratch.get(), name, value);
    if (!wrong.empty()) mistakes.push_back(name + ": " + wrong);
  }
  if (mistakes.empty()) return;

  std::string text = "The configuration of Kafka is wrong:";
  for (const std::string& mistake : mistakes) text += "\n  " + mistake;
  throw ConfigError(text);
}

ConfPtr make_conf(const KafkaLogOptions& options, ClientRole role, OwnProperties own) {
  ConfPtr conf(rd_kafka_conf_new());
  const auto must_set = [&](const std::string& key, const std::string& value) {
    const std::string wrong = set(conf.get(), key, value);
    if (!wrong.empty()) throw ConfigError("Kafka: " + key + ": " + wrong);
  };
  const auto set_all = [&](const auto& defaults) {
    for (const auto& [key, value] : defaults) must_set(key, value);
  };
  set_all(kCommonDefaults);
  switch (role) {
    case ClientRole::kProducer:
      set_all(kProducerDefaults);
      break;
    case ClientRole::kConsumer:
      set_all(kConsumerDefaults);
      (void)set(conf.get(), "fetch.queue.backoff.ms", "2");  // from 2.2 on
      break;
    case ClientRole::kAdmin:
      set_all(kAdminDefaults);
      break;
  }
  // Properties for all first, those with a prefix override them.
  for (const bool scoped : {false, true}) {
    for (const auto& [name, value] : options.properties) {
      const Scoped where = scope_of(name);
      if (where.only.has_value() != scoped) continue;
      if (!scoped || where.only == role) must_set(where.key, value);
    }
  }
  must_set("bootstrap.servers", options.bootstrap_servers);
  must_set("client.id", options.client_id);
  must_set("log.connection.close", "false");
  for (const auto& [key, value] : own) must_set(key, value);
  return conf;
}

}  // namespace millrace::log
