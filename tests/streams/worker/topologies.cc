#include "streams/worker/topologies.h"

#include <utility>

#include "millrace/dsl.h"

namespace millrace::worker {

namespace {
using namespace std::chrono_literals;
using Text = std::string;

inline constexpr KeyValueStoreName<Text, std::int64_t> kBatch("batch");

class Batching final : public Processor<Text, Text, Text, Text> {
 public:
  void init() override {
    batch_ = &context().store(kBatch);
    context().schedule(25ms, PunctuationType::kStreamTime, [this](Timestamp now) {
      const auto task = context().task_id().partition.value();
      context().forward("tick" + std::to_string(task), std::to_string(to_ms(now) / 25));
      flush();
    });
    context().schedule(40ms, PunctuationType::kWallClockTime, [this](Timestamp) { flush(); });
  }
  void process(const Record<Text, Text>& record) override {
    batch_->put(record.key, batch_->get(record.key).value_or(0) + 1);
  }

 private:
  void flush() {
    for (const auto& [key, count] : batch_->all()) {
      context().forward(key, std::to_string(count));
      batch_->erase(key);
    }
  }

  KeyValueStore<Text, std::int64_t>* batch_ = nullptr;
};
}  // namespace

Topology copying() {
  StreamsBuilder builder;
  builder.stream<Text, Text>("in").to("out");
  return builder.build();
}

Topology counting() {
  StreamsBuilder builder;
  builder.stream<Text, Text>("in")
      .group_by_key()
      .count("n")
      .map_values([](const std::int64_t& n) { return std::to_string(n); })
      .to_stream()
      .to("out");
  return builder.build();
}

Topology counting_values() {
  StreamsBuilder builder;
  builder.stream<Text, Text>("in")
      .group_by("by-value", [](const Text& value) { return value; })
      .count("n")
      .map_values([](const std::int64_t& n) { return std::to_string(n); })
      .to_stream()
      .to("out");
  return builder.build();
}

Topology batching() {
  StreamsBuilder builder;
  builder.add_state_store(kBatch);
  builder.stream<Text, Text>("in")
      .process(Batching(), {.stores = {kBatch}, .name = "batching"})
      .to("out");
  return builder.build();
}

Topology joining() {
  StreamsBuilder builder;
  builder.stream<Text, Text>("in")
      .join(builder.table<Text, Text>("rows", "rows-kept"),
            [](const Text& value, const Text& row) { return value + row; })
      .to("out");
  return builder.build();
}

Topology checking(std::function<void(const Text& key, const Text& value)> f) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("in").peek(std::move(f), {.name = "check"}).to("out");
  return builder.build();
}

Topology strict() {
  StreamsBuilder builder;
  builder.stream(Topic<Text, std::int64_t>("in"), {.on_null = OnNull::kFail, .name = "numbers"})
      .to("out");
  return builder.build();
}

}  // namespace millrace::worker
