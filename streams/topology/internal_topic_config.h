// How the topics that the engine owns are created (SEMANTICS §3.3, DESIGN §7 "History").
#pragma once

#include <map>
#include <string>

#include "millrace/detail/graph_builder.h"

namespace millrace::graph {

using TopicConfig = std::map<std::string, std::string>;

TopicConfig repartition_topic_config();
TopicConfig changelog_topic_config(ChangelogCleanup cleanup);

}  // namespace millrace::graph
