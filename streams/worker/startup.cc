#include "worker/startup.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "millrace/detail/source_node.h"
#include "millrace/error.h"

namespace millrace::worker {

namespace {
// Kafka's default of delete.retention.ms, where the log does not say.
constexpr Duration kUsualDeletionsKept{86'400'000};
}  // namespace

Startup::Startup(const graph::BuiltGraph& graph, std::string application_id,
                 std::string dead_letter_topic, AdminDesk& admin)
    : graph_(graph),
      application_id_(std::move(application_id)),
      dead_letter_topic_(std::move(dead_letter_topic)),
      admin_(admin) {}

void Startup::begin() {
  std::vector<std::string> topics = graph::external_topics(graph_);
  const bool known = std::find(topics.begin(), topics.end(), dead_letter_topic_) != topics.end();
  if (!dead_letter_topic_.empty() && !known) topics.push_back(dead_letter_topic_);
  admin_.describe_topics(std::move(topics),
                         [this](const log::TopicsDescribed& described) { make_plan(described); });
}

void Startup::note_limits(const log::TopicsDescribed& described) {
  for (const log::TopicDescription& topic : described.topics) {
    if (topic.max_message_bytes) plan_.max_message_bytes[topic.topic] = *topic.max_message_bytes;
    if (topic.deletions_kept) plan_.deletions_kept[topic.topic] = *topic.deletions_kept;
  }
}

void Startup::make_plan(const log::TopicsDescribed& described) {
  std::map<std::string, std::int32_t> counts;
  for (const log::TopicDescription& topic : described.topics) {
    if (topic.partitions) counts[topic.topic] = *topic.partitions;
  }
  try {
    plan_ = graph::plan_topics(graph_, application_id_, counts);
  } catch (const Error& e) {
    failure_ = e.what();
    return;
  }
  note_limits(described);
  if (dead_letter_topic_.empty()) {
    for (const graph::NodeSpec& node : graph_.nodes()) {
      const auto* source = dynamic_cast<const graph::SourceNodeBase*>(node.prototype.get());
      if (!source || source->null_policy() != graph::NullPolicy::kDeadLetter) continue;
      failure_ = "the source " + node.name + " at " + to_string(node.where) +
                 " says that nulls are dead letters (on_null): name the topic for them with "
                 "errors.dead.letter.queue.topic.name";
      return;
    }
  } else {
    const auto found = counts.find(dead_letter_topic_);
    if (found == counts.end()) {
      failure_ = "the dead letter topic " + dead_letter_topic_ +
                 " (errors.dead.letter.queue.topic.name) does not exist: create it";
      return;
    }
    plan_.partitions.emplace(dead_letter_topic_, found->second);
  }
  std::vector<log::NewTopic> topics;
  std::vector<std::string> names;
  for (const graph::InternalTopic& topic : plan_.internal_topics) {
    topics.push_back({topic.name, topic.partitions, topic.config});
    names.push_back(topic.name);
  }
  done_ = topics.empty();
  if (done_) return;
  admin_.create_topics(std::move(topics), [this, names] {
    admin_.describe_topics(
        names, [this](const log::TopicsDescribed& found) { check_internal_topics(found); });
  });
}

// Topics that were there before are used only in the right shape: a record in another partition
// would meet another task's state.
void Startup::check_internal_topics(const log::TopicsDescribed& described) {
  note_limits(described);
  for (const graph::InternalTopic& topic : plan_.internal_topics) {
    const auto policy = topic.config.find("cleanup.policy");
    const bool compacted =
        policy != topic.config.end() && policy->second.find("compact") != std::string::npos;
    if (compacted) plan_.deletions_kept.try_emplace(topic.name, kUsualDeletionsKept);
  }
  std::string mistakes;
  for (std::size_t i = 0; i < described.topics.size(); ++i) {
    const log::TopicDescription& found = described.topics[i];
    const std::int32_t wanted = plan_.internal_topics[i].partitions;
    if (found.partitions == wanted) continue;
    if (!mistakes.empty()) mistakes += '\n';
    mistakes += "topic " + found.topic + ' ' +
                (found.partitions ? "has " + std::to_string(*found.partitions) + " partitions"
                                  : "could not be created") +
                ", and this topology needs " + std::to_string(wanted) +
                ". Nothing was read or written; bring the input topics back to their partition "
                "count, or start "
                "under another application.id";
  }
  if (mistakes.empty()) {
    done_ = true;
  } else {
    failure_ = std::move(mistakes);
  }
}

}  // namespace millrace::worker
