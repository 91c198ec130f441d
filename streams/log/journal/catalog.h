// The catalog: what the journal knows beside its records: topics, where each partition starts and goes
// on, and the groups' offsets. It is the sum of all frames; a copy stands at the beginning of every
// segment, so that opening a directory reads one segment and not all (DESIGN §7).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "log/journal/frame.h"
#include "millrace/result.h"

namespace millrace::log::journal {

struct PartitionState {
  Offset start{0};  // the first that may be read
  Offset next{0};   // where the next batch begins
};

struct CommittedEntry {
  Offset offset;
  std::string metadata;
};

// Not thread-safe.
class Catalog {
 public:
  struct Topic {
    TopicId id;
    std::string name;
    std::map<std::string, std::string> config;
    std::vector<PartitionState> partitions;
  };

  // Effect: takes over what the frame says: topics made first, topics deleted last. Errors: a text
  // where it cannot follow on what is here (an unknown topic, a batch below `next`): the journal is
  // damaged; nothing was taken over.
  std::optional<std::string> apply(const Frame& frame);

  const Topic* find(std::string_view name) const;
  const Topic* find(TopicId id) const;
  const std::map<TopicId, Topic>& topics() const { return topics_; }
  TopicId next_topic_id() const { return next_topic_; }

  const CommittedEntry* committed(std::string_view group, PartitionKey where) const;

  void encode(Bytes& out) const;
  // Errors: a text if this is no catalog.
  static Result<Catalog> decode(BytesView in);

 private:
  // nullptr: neither here nor made by the frame.
  const PartitionState* find(PartitionKey where, const Frame& frame) const;
  std::optional<std::string> refuse(const Frame& frame) const;

  std::map<TopicId, Topic> topics_;
  std::map<std::string, TopicId, std::less<>> names_;
  std::map<std::string, std::map<PartitionKey, CommittedEntry>, std::less<>> offsets_;
  TopicId next_topic_{1};
};

}  // namespace millrace::log::journal
