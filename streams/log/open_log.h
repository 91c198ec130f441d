// Which log an application runs on: the one place where bootstrap.servers is looked at.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "log/log.h"
#include "millrace/config.h"

namespace millrace::log {

// The log that the configuration names: a Kafka cluster, a directory, or the EmbeddedLog it was given,
// which outlives the result. REQUIRES: config.validate() did not throw, config.logger is set.
// Errors: ConfigError, a property of the Kafka client that is wrong; StoppedError, a directory that
// cannot be used.
std::shared_ptr<Log> open_log(const StreamsConfig& config);

// What is wrong with bootstrap.servers and the properties of the embedded log: every mistake.
std::vector<std::string> check_log_config(const StreamsConfig& config);

}  // namespace millrace::log
