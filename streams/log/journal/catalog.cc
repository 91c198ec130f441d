#include "log/journal/catalog.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "log/journal/varint.h"

namespace millrace::log::journal {

namespace {

std::string name_of(PartitionKey where) {
  return "partition " + std::to_string(where.partition.value()) + " of topic number " +
         std::to_string(where.topic.value());
}

}  // namespace

const Catalog::Topic* Catalog::find(std::string_view name) const {
  const auto id = names_.find(name);
  return id == names_.end() ? nullptr : find(id->second);
}

const Catalog::Topic* Catalog::find(TopicId id) const {
  const auto topic = topics_.find(id);
  return topic == topics_.end() ? nullptr : &topic->second;
}

const CommittedEntry* Catalog::committed(std::string_view group, PartitionKey where) const {
  const auto of_group = offsets_.find(group);
  if (of_group == offsets_.end()) return nullptr;
  const auto entry = of_group->second.find(where);
  return entry == of_group->second.end() ? nullptr : &entry->second;
}

const PartitionState* Catalog::find(PartitionKey where, const Frame& frame) const {
  static constexpr PartitionState kNew;
  if (where.partition.value() < 0) return nullptr;
  const auto index = static_cast<std::size_t>(where.partition.value());
  if (const Topic* topic = find(where.topic)) {
    return index < topic->partitions.size() ? &topic->partitions[index] : nullptr;
  }
  const auto made = std::ranges::find(frame.topics_made, where.topic, &TopicMade::id);
  if (made == frame.topics_made.end()) return nullptr;
  return where.partition.value() < made->partitions ? &kNew : nullptr;
}

std::optional<std::string> Catalog::refuse(const Frame& frame) const {
  TopicId next_topic = next_topic_;
  std::set<std::string_view> names;
  for (const TopicMade& made : frame.topics_made) {
    if (made.id < next_topic || made.partitions <= 0 || find(made.name) != nullptr ||
        !names.insert(made.name).second) {
      return "topic number " + std::to_string(made.id.value()) + " cannot be made";
    }
    next_topic = made.id + 1;
  }
  std::map<PartitionKey, Offset> written;  // where each partition goes on behind the frame
  for (const FrameBatch& batch : frame.batches) {
    const PartitionState* state = find(batch.where, frame);
    if (state == nullptr || batch.next <= batch.base ||
        batch.base < written.try_emplace(batch.where, state->next).first->second) {
      return "a batch does not follow in " + name_of(batch.where);
    }
    written[batch.where] = batch.next;
  }
  for (const FrameOffset& offset : frame.offsets) {
    if (find(offset.where, frame) == nullptr || offset.offset < Offset(0)) {
      return "an offset of a group does not fit " + name_of(offset.where);
    }
  }
  for (const RecordsDeleted& deleted : frame.deletions) {
    const PartitionState* state = find(deleted.where, frame);
    if (state == nullptr || (deleted.below > state->next && !written.contains(deleted.where))) {
      return "records deleted beyond the end of " + name_of(deleted.where);
    }
  }
  for (const TopicId id : frame.topics_deleted) {
    if (find(id) == nullptr) {
      return "topic number " + std::to_string(id.value()) + " is deleted and does not exist";
    }
  }
  return std::nullopt;
}

std::optional<std::string> Catalog::apply(const Frame& frame) {
  if (auto refused = refuse(frame)) return refused;
  for (const TopicMade& made : frame.topics_made) {
    topics_[made.id] = {made.id, made.name, made.config,
                        std::vector<PartitionState>(static_cast<std::size_t>(made.partitions))};
    names_[made.name] = made.id;
    next_topic_ = made.id + 1;
  }
  const auto state = [this](PartitionKey where) -> PartitionState& {
    return topics_[where.topic].partitions[static_cast<std::size_t>(where.partition.value())];
  };
  for (const FrameBatch& batch : frame.batches) state(batch.where).next = batch.next;
  for (const FrameOffset& offset : frame.offsets) {
    offsets_[offset.group][offset.where] = {offset.offset, offset.metadata};
  }
  for (const RecordsDeleted& deleted : frame.deletions) {
    PartitionState& partition = state(deleted.where);
    partition.start = std::clamp(deleted.below, partition.start, partition.next);
  }
  for (const TopicId id : frame.topics_deleted) {
    const auto topic = topics_.find(id);
    if (topic == topics_.end()) continue;  // named twice
    names_.erase(topic->second.name);
    topics_.erase(topic);
    for (auto group = offsets_.begin(); group != offsets_.end();) {
      std::erase_if(group->second, [id](const auto& entry) { return entry.first.topic == id; });
      group = group->second.empty() ? offsets_.erase(group) : std::next(group);
    }
  }
  return std::nullopt;
}

void Catalog::encode(Bytes& out) const {
  append_varint(static_cast<std::uint64_t>(next_topic_.value()), out);
  append_varint(topics_.size(), out);
  for (const auto& [id, topic] : topics_) {
    append_varint(static_cast<std::uint64_t>(id.value()), out);
    append_text(topic.name, out);
    append_config(topic.config, out);
    append_varint(topic.partitions.size(), out);
    for (const PartitionState& partition : topic.partitions) {
      append_varint(static_cast<std::uint64_t>(partition.start.value()), out);
      append_varint(static_cast<std::uint64_t>(partition.next.value()), out);
    }
  }
  append_varint(offsets_.size(), out);
  for (const auto& [group, offsets] : offsets_) {
    append_text(group, out);
    append_varint(offsets.size(), out);
    for (const auto& [where, entry] : offsets) {
      append_varint(static_cast<std::uint64_t>(where.topic.value()), out);
      append_varint(static_cast<std::uint64_t>(where.partition.value()), out);
      append_varint(static_cast<std::uint64_t>(entry.offset.value()), out);
      append_text(entry.metadata, out);
    }
  }
}

Result<Catalog> Catalog::decode(BytesView in) {
  const auto no_catalog = [] { return Status::fatal("this is no catalog"); };
  Catalog catalog;
  std::int32_t next_topic = 0;
  std::uint64_t topics = 0;
  if (!read_number(in, next_topic) || !read_varint(in, topics)) return no_catalog();
  catalog.next_topic_ = TopicId(next_topic);
  for (; topics > 0; --topics) {
    std::int32_t id = 0;
    BytesView name;
    Topic topic;
    std::uint64_t partitions = 0;
    if (!read_number(in, id) || !read_text(in, name) || !read_config(in, topic.config) ||
        !read_varint(in, partitions)) {
      return no_catalog();
    }
    for (; partitions > 0; --partitions) {
      std::int64_t start = 0;
      std::int64_t next = 0;
      if (!read_number(in, start) || !read_number(in, next)) return no_catalog();
      topic.partitions.push_back({Offset(start), Offset(next)});
    }
    topic.id = TopicId(id);
    topic.name = name;
    catalog.names_[topic.name] = topic.id;
    catalog.topics_[topic.id] = std::move(topic);
  }
  std::uint64_t groups = 0;
  if (!read_varint(in, groups)) return no_catalog();
  for (; groups > 0; --groups) {
    BytesView group;
    std::uint64_t entries = 0;
    if (!read_text(in, group) || !read_varint(in, entries)) return no_catalog();
    auto& offsets = catalog.offsets_[std::string(group)];
    for (; entries > 0; --entries) {
      std::int32_t topic = 0;
      std::int32_t partition = 0;
      std::int64_t offset = 0;
      BytesView metadata;
      if (!read_number(in, topic) || !read_number(in, partition) || !read_number(in, offset) ||
          !read_text(in, metadata)) {
        return no_catalog();
      }
      offsets[{TopicId(topic), Partition(partition)}] = {Offset(offset), std::string(metadata)};
    }
  }
  if (!in.empty()) return no_catalog();
  return catalog;
}

}  // namespace millrace::log::journal
