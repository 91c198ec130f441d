#include "log/open_log.h"

#include <algorithm>
#include <utility>

#include "log/journal/journal_log.h"
#include "log/kafka/kafka_log.h"
#include "millrace/embedded_log.h"
#include "millrace/error.h"

namespace millrace::log {

namespace {

std::shared_ptr<Log> open_kafka(const StreamsConfig& config) {
  KafkaLogOptions options{
      .bootstrap_servers = config.bootstrap_servers,
      .properties = config.properties,
      .client_id = config.application_id,
      .operation_deadline = std::min(Duration(10'000), config.default_api_timeout)};
  // A program may name both kinds of log; each takes what is its own.
  std::erase_if(options.properties,
                [](const auto& property) { return property.first.starts_with("embedded."); });
  return std::make_shared<KafkaLog>(std::move(options));
}

std::shared_ptr<Log> open_journal(const StreamsConfig& config) {
  journal::JournalOptions options;
  (void)journal::apply_embedded_properties(config.properties, options);
  options.directory = journal::embedded_directory(config.bootstrap_servers).value();
  auto opened = journal::JournalLog::open(std::move(options), {.logger = *config.logger});
  if (!opened.ok()) throw StoppedError(opened.status().message());
  return std::move(opened.value());
}

}  // namespace

std::shared_ptr<Log> open_log(const StreamsConfig& config) {
  if (config.embedded_log != nullptr)
    return {std::shared_ptr<void>(), &detail::log_of(*config.embedded_log)};
  return journal::is_embedded(config.bootstrap_servers) ? open_journal(config) : open_kafka(config);
}

std::vector<std::string> check_log_config(const StreamsConfig& config) {
  journal::JournalOptions scratch;
  std::vector<std::string> mistakes =
      journal::apply_embedded_properties(config.properties, scratch);
  if (config.embedded_log != nullptr) {
    if (!config.bootstrap_servers.empty()) {
      mistakes.emplace_back(
          "bootstrap.servers must be left out where an embedded_log is given: that is the log");
    }
  } else if (config.bootstrap_servers.empty()) {
    mistakes.emplace_back(
        "bootstrap.servers must be given, e.g. localhost:9092 or embedded:///var/lib/app");
  } else if (journal::is_embedded(config.bootstrap_servers)) {
    const auto directory = journal::embedded_directory(config.bootstrap_servers);
    if (!directory.ok()) mistakes.push_back(directory.status().message());
  }
  return mistakes;
}

}  // namespace millrace::log
