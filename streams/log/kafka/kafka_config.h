// From KafkaLogOptions to librdkafka's configuration: defaults first, then the user's properties,
// then what the engine owns, which no user changes.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "log/kafka/kafka_log.h"
#include "log/kafka/rdkafka_types.h"

namespace millrace::log {

enum class ClientRole { kProducer, kConsumer, kAdmin };

struct ConfDeleter {
  void operator()(rd_kafka_conf_s* conf) const;
};
using ConfPtr = std::unique_ptr<rd_kafka_conf_s, ConfDeleter>;

using OwnProperties = std::initializer_list<std::pair<const char*, std::string>>;

// Errors: ConfigError with every mistake of the options, one a line.
void check_options(const KafkaLogOptions& options);

// Effect: the configuration of one client; `own` are the properties of this very client.
// REQUIRES: check_options() passed.
ConfPtr make_conf(const KafkaLogOptions& options, ClientRole role, OwnProperties own);

}  // namespace millrace::log
