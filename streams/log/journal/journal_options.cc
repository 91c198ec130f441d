#include "log/journal/journal_options.h"

#include <array>
#include <charconv>
#include <optional>

#include "millrace/detail/text.h"

namespace millrace::log::journal {

namespace {

constexpr std::string_view kScheme = "embedded:";
constexpr std::string_view kPrefix = "embedded.";

// Returns what is wrong with the text.
using Setter = std::optional<std::string> (*)(JournalOptions&, std::string_view);

std::optional<std::string> parse(std::string_view text, std::uint64_t least, std::uint64_t most,
                                 std::uint64_t& target) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size() && number >= least &&
      number <= most) {
    target = number;
    return std::nullopt;
  }
  return "needs a whole number from " + std::to_string(least) + " to " + std::to_string(most);
}

std::optional<std::string> set_sync(JournalOptions& options, std::string_view text) {
  if (text == "commit") {
    options.sync = Sync::kCommit;
  } else if (text == "window") {
    options.sync = Sync::kWindow;
  } else if (text == "off") {
    options.sync = Sync::kOff;
  } else {
    return "needs commit, window or off";
  }
  return std::nullopt;
}

std::optional<std::string> parse_ms(std::string_view text, std::uint64_t most, Duration& target) {
  std::uint64_t ms = 0;
  auto wrong = parse(text, 1, most, ms);
  if (!wrong) target = Duration(static_cast<Duration::rep>(ms));
  return wrong;
}

struct Property {
  std::string_view name;
  Setter set;
};

constexpr std::uint64_t kMost = std::uint64_t{1} << 40;

constexpr std::array<Property, 8> kProperties = {{
    {"embedded.cleaner.interval.ms",
     [](JournalOptions& o, std::string_view t) {
       return parse_ms(t, 86'400'000, o.cleaner_interval);
     }},
    {"embedded.max.parked.bytes",
     [](JournalOptions& o, std::string_view t) { return parse(t, 0, kMost, o.max_parked_bytes); }},
    {"embedded.max.transaction.bytes",
     [](JournalOptions& o, std::string_view t) {
       // Where it cannot go to its place at once it is one record, whose length is 31 bits.
       return parse(t, std::uint64_t{2} << 20, std::uint64_t{1} << 30, o.max_transaction_bytes);
     }},
    {"embedded.segment.bytes",
     [](JournalOptions& o, std::string_view t) {
       return parse(t, std::uint64_t{1} << 20, std::uint64_t{4} << 30, o.segment_bytes);
     }},
    {"embedded.sync", set_sync},
    {"embedded.sync.window.ms",
     [](JournalOptions& o, std::string_view t) { return parse_ms(t, 1000, o.sync_window); }},
    {"embedded.tail.bytes",
     [](JournalOptions& o, std::string_view t) { return parse(t, 0, kMost, o.tail_bytes); }},
    {"embedded.transactional.id.expiration.ms",
     [](JournalOptions& o, std::string_view t) {
       return parse_ms(t, std::uint64_t{365} * 86'400'000, o.transactional_id_expiration);
     }},
}};

}  // namespace

bool is_embedded(std::string_view bootstrap_servers) {
  return bootstrap_servers.starts_with(kScheme);
}

Result<std::string> embedded_directory(std::string_view bootstrap_servers) {
  std::string_view rest = bootstrap_servers.substr(kScheme.size());
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const bool absolute = rest.size() > 1 && rest.front() == '/';
    const bool relative = rest.size() > 2 && rest.starts_with("./");
    if (absolute || relative) return std::string(rest);
  }
  return Status::fatal(
      "bootstrap.servers: the embedded log is written embedded:///absolute/directory or "
      "embedded://./directory");
}

std::vector<std::string> apply_embedded_properties(
    const std::map<std::string, std::string>& properties, JournalOptions& options) {
  std::vector<std::string> mistakes;
  std::vector<std::string_view> names;
  for (const Property& property : kProperties) names.push_back(property.name);
  for (const auto& [name, value] : properties) {
    // "embeded.sync" is meant for us, too; a broker's client has nothing like it.
    if (!name.starts_with(kPrefix.substr(0, 5))) continue;
    const Property* known = nullptr;
    for (const Property& property : kProperties) {
      if (property.name == name) known = &property;
    }
    if (known == nullptr) {
      const auto nearest = detail::nearest_name(name, names);
      mistakes.push_back("unknown property " + name +
                         (nearest ? ": did you mean " + std::string(*nearest) + "?"
                                  : "; there are " + detail::join(names, ", ")));
    } else if (const auto wrong = known->set(options, value)) {
      mistakes.push_back(name + ' ' + *wrong);
    }
  }
  return mistakes;
}

}  // namespace millrace::log::journal
