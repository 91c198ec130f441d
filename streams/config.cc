#include "millrace/config.h"

#include <array>
#include <charconv>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "log/open_log.h"
#include "millrace/detail/text.h"
#include "millrace/error.h"
#include "millrace/store_name.h"

namespace millrace {

namespace {

constexpr std::int64_t kLeastStateMemory = std::int64_t{64} << 20;

// Takes the text of one setting; returns what is wrong with it.
using Setter = std::optional<std::string> (*)(StreamsConfig&, std::string_view);

std::optional<std::string> set_text(std::string& target, std::string_view text) {
  target = text;
  return std::nullopt;
}

template <class Integer>
std::optional<std::string> parse_integer(std::string_view text, Integer& target) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), target);
  if (error == std::errc{} && end == text.data() + text.size()) return std::nullopt;
  return "needs a whole number";
}

std::optional<std::string> set_duration(Duration& target, std::string_view text) {
  Duration::rep ms = 0;
  auto wrong = parse_integer(text, ms);
  if (!wrong) target = Duration(ms);
  return wrong ? std::optional<std::string>("needs a whole number of milliseconds") : std::nullopt;
}

std::optional<std::string> set_offset_reset(StreamsConfig& config, std::string_view text) {
  if (text == "earliest") {
    config.auto_offset_reset = AutoOffsetReset::kEarliest;
  } else if (text == "latest") {
    config.auto_offset_reset = AutoOffsetReset::kLatest;
  } else if (text == "none") {
    config.auto_offset_reset = AutoOffsetReset::kNone;
  } else {
    return "needs earliest, latest or none";
  }
  return std::nullopt;
}

struct Key {
  std::string_view name;
  Setter set;
};

constexpr std::array<Key, 13> kKeys = {{
    {"application.id",
     [](StreamsConfig& c, std::string_view t) { return set_text(c.application_id, t); }},
    {"auto.offset.reset", set_offset_reset},
    {"bootstrap.servers",
     [](StreamsConfig& c, std::string_view t) { return set_text(c.bootstrap_servers, t); }},
    {"buffered.records.per.partition",
     [](StreamsConfig& c, std::string_view t) {
       return parse_integer(t, c.buffered_records_per_partition);
     }},
    {"commit.interval.ms",
     [](StreamsConfig& c, std::string_view t) { return set_duration(c.commit_interval, t); }},
    {"default.api.timeout.ms",
     [](StreamsConfig& c, std::string_view t) { return set_duration(c.default_api_timeout, t); }},
    {"errors.dead.letter.queue.topic.name",
     [](StreamsConfig& c, std::string_view t) { return set_text(c.errors.dead_letter_topic, t); }},
    {"max.task.idle.ms",
     [](StreamsConfig& c, std::string_view t) { return set_duration(c.max_task_idle, t); }},
    {"num.stream.threads",
     [](StreamsConfig& c, std::string_view t) { return parse_integer(t, c.num_stream_threads); }},
    {"state.dir", [](StreamsConfig& c, std::string_view t) { return set_text(c.state_dir, t); }},
    {"state.memory.bytes",
     [](StreamsConfig& c, std::string_view t) { return parse_integer(t, c.state_memory_bytes); }},
    {"task.timeout.ms",
     [](StreamsConfig& c, std::string_view t) { return set_duration(c.errors.task_timeout, t); }},
    {"transaction.timeout.ms",
     [](StreamsConfig& c, std::string_view t) { return set_duration(c.transaction_timeout, t); }},
}};

// One argument: --key=value. Returns what is wrong with it; never repeats a value, which may be a
// secret.
std::optional<std::string> apply(StreamsConfig& config, std::string_view argument) {
  const auto equals = argument.find('=');
  if (!argument.starts_with("--") || equals == std::string_view::npos) {
    return "not understood: " + std::string(argument.substr(0, equals)) +
           " (arguments are --key=value)";
  }
  const std::string_view name = argument.substr(2, equals - 2);
  const std::string_view value = argument.substr(equals + 1);
  constexpr std::string_view kProperty = "property.";
  if (name.starts_with(kProperty)) {
    config.properties[std::string(name.substr(kProperty.size()))] = value;
    return std::nullopt;
  }
  std::vector<std::string_view> names;
  for (const Key& key : kKeys) {
    names.push_back(key.name);
    if (key.name != name) continue;
    const auto wrong = key.set(config, value);
    return wrong ? std::optional<std::string>(std::string(name) + ' ' + *wrong) : std::nullopt;
  }
  const auto nearest = detail::nearest_name(name, names);
  return "unknown key " + std::string(name) +
         (nearest ? ": did you mean " + std::string(*nearest) + "?" : "") +
         " (settings of the Kafka client and of the embedded log are --property.<name>=<value>)";
}

[[noreturn]] void report(const std::vector<std::string>& mistakes) {
  throw ConfigError(detail::join(mistakes, "\n"));
}

}  // namespace

StreamsConfig StreamsConfig::with_arguments(int argc, const char* const* argv) const {
  StreamsConfig changed = *this;
  std::vector<std::string> mistakes;
  for (int i = 1; i < argc; ++i) {
    if (auto mistake = apply(changed, argv[i])) mistakes.push_back(std::move(*mistake));
  }
  if (!mistakes.empty()) report(mistakes);
  return changed;
}

void StreamsConfig::validate() const {
  std::vector<std::string> mistakes;
  const auto require = [&](bool fine, std::string mistake) {
    if (!fine) mistakes.push_back(std::move(mistake));
  };
  require(is_valid_name(application_id),
          "application.id must be given: 1 to 200 of A-Z a-z 0-9 . _ -; it names the group, the "
          "internal topics and "
          "the transactions");
  for (std::string& mistake : log::check_log_config(*this)) mistakes.push_back(std::move(mistake));
  require(commit_interval >= Duration(1), "commit.interval.ms must be at least 1");
  require(max_task_idle >= Duration(-1), "max.task.idle.ms must be -1, 0 or more");
  require(transaction_timeout > commit_interval && transaction_timeout <= Duration(900'000),
          "transaction.timeout.ms must be more than commit.interval.ms and at most 900000, what "
          "brokers allow");
  require(default_api_timeout >= Duration(1), "default.api.timeout.ms must be at least 1");
  require(buffered_records_per_partition >= 1, "buffered.records.per.partition must be at least 1");
  require(state_memory_bytes == 0 || state_memory_bytes >= kLeastStateMemory,
          "state.memory.bytes must be at least 67108864 (64 MiB), or 0 for half of the memory");
  require(num_stream_threads >= 1 && num_stream_threads <= 1000,
          "num.stream.threads must be 1 to 1000");
  require(errors.task_timeout >= Duration(1), "task.timeout.ms must be at least 1");
  const bool dead_letters = errors.deserialization.is_always(ErrorAction::kDeadLetter) ||
                            errors.processing.is_always(ErrorAction::kDeadLetter) ||
                            errors.production.is_always(ErrorAction::kDeadLetter);
  require(!dead_letters || !errors.dead_letter_topic.empty(),
          "errors.dead.letter.queue.topic.name must be given, because a handler answers with dead "
          "letters: name a topic that exists");
  if (!mistakes.empty()) report(mistakes);
}

}  // namespace millrace
