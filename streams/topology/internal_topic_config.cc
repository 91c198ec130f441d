#include "topology/internal_topic_config.h"

#include <cstdint>
#include <limits>

namespace millrace::graph {

namespace {

// Deleted by us, with DeleteRecords, as soon as nobody needs it, and only whole segments go: small
// ones. Never deleted by the clock, which knows nothing of the time in the records.
void let_us_delete(TopicConfig& config) {
  config["retention.ms"] = "-1";
  config["segment.bytes"] = std::to_string(50 * 1024 * 1024);
}

// What every internal topic has: the records' own times, whatever they are. A broker would refuse
// those far from its clock.
TopicConfig with_any_time() {
  const std::string longest = std::to_string(std::numeric_limits<std::int64_t>::max());
  return {{"message.timestamp.type", "CreateTime"},
          {"message.timestamp.before.max.ms", longest},
          {"message.timestamp.after.max.ms", longest}};
}

}  // namespace

TopicConfig repartition_topic_config() {
  TopicConfig config = with_any_time();
  config["cleanup.policy"] = "delete";
  let_us_delete(config);
  return config;
}

TopicConfig changelog_topic_config(ChangelogCleanup cleanup) {
  TopicConfig config = with_any_time();
  switch (cleanup) {
    case ChangelogCleanup::kCompact:
      config["cleanup.policy"] = "compact";
      break;
    case ChangelogCleanup::kCompactDelete:
      config["cleanup.policy"] = "compact,delete";
      let_us_delete(config);
      break;
    case ChangelogCleanup::kDelete:
      config["cleanup.policy"] = "delete";
      let_us_delete(config);
      break;
  }
  return config;
}

}  // namespace millrace::graph
