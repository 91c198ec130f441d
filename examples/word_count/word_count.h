// Word count: how often each word came in the lines of a topic.
#pragma once

#include <millrace/topic.h>
#include <millrace/topology.h>

#include <cstdint>
#include <optional>
#include <string>

// The last record of a word is its count. Counts are written as Java's Long serializer does.
inline const millrace::Topic<millrace::NoKey, std::string> kLines("lines");
inline const millrace::Topic<std::string, std::optional<std::int64_t>> kCounts("counts");

millrace::Topology word_count_topology();
