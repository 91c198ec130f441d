#include "millrace/detail/sink_node.h"

#include "millrace/detail/assert.h"

namespace millrace::graph {

namespace {

[[noreturn]] void fail_on_partition(Partition chosen, std::int32_t partitions) {
  throw TopicError("millrace: the partitioner chose partition " + std::to_string(chosen.value()) +
                   " of a topic that has " + std::to_string(partitions) + ": answer 0 to " +
                   std::to_string(partitions - 1) + ", or std::nullopt for the default choice");
}

[[noreturn]] void fail_on_timestamp(Timestamp timestamp) {
  throw SerdeError("millrace: a record with the timestamp " + std::to_string(to_ms(timestamp)) +
                   " ms cannot be written: forward it with a timestamp of 0 or later");
}

}  // namespace

void SinkNodeBase::init_sink(const Node& self, NodeContext& context, const std::string& topic,
                             bool repartition) {
  collector_ = &context.collector();
  target_ = context.sink(topic);
  MILLRACE_ASSERT(target_.partitions > 0, "a sink's topic has no partitions");
  // The task's own partition: always the same, and different tasks spread over the topic.
  keyless_ = Partition(context.task_id().partition.value() % target_.partitions);
  drops_null_keys_ = repartition && !target_.keep_null_keys;
  if (drops_null_keys_) null_keys_ = context.drop_counter(self, DropReason::kNullKeyRepartition);
}

bool SinkNodeBase::drop_null_key() {
  if (drops_null_keys_) null_keys_.count();
  return drops_null_keys_;
}

void SinkNodeBase::emit(OptionalBytesView key, std::size_t key_bytes_behind_inner,
                        OptionalBytesView value, std::optional<Partition> chosen,
                        const RecordContext& context) {
  if (context.timestamp < Timestamp{}) fail_on_timestamp(context.timestamp);
  Partition partition = keyless_;
  if (chosen) {
    if (*chosen < Partition(0) || *chosen >= Partition(target_.partitions)) {
      fail_on_partition(*chosen, target_.partitions);
    }
    partition = *chosen;
  } else if (key) {
    MILLRACE_ASSERT(key->size() >= key_bytes_behind_inner, "a windowed key without its window");
    partition =
        partition_for_key(key->substr(0, key->size() - key_bytes_behind_inner), target_.partitions);
  }
  collector_->send(target_, partition, key, value, context.timestamp, *context.headers);
}

}  // namespace millrace::graph
