// Operators of one's own: what a processor forwards, stores and does on its schedules.
#include "abort/operators.h"

namespace millrace::testing {

using namespace std::chrono_literals;

namespace {
using Text = std::string;
using Number = std::int64_t;

inline constexpr KeyValueStoreName<Text, Number> kSum("sum");
inline constexpr WindowStoreName<Text, Number> kPerWindow("per-window");
inline constexpr KeyValueStoreName<Text, Text> kKept("kept");

class Doubling : public Processor<Text, Text, Text, Text> {
 public:
  void process(const Record<Text, Text>& record) override {
    context().forward(record.key, record.value);
    context().forward(
        record.value, record.key + std::to_string(seen_),
        {.timestamp = record.timestamp + 1ms, .headers = Headers{{"from", record.key}}});
    if (number(record.value) % 3 == 0) context().commit();
  }

 private:
  Number seen_ = 0;
};

// Sums each key up and deletes a sum that grows large; counts in windows, too.
class Summing : public FixedKeyProcessor<Text, Text, Text> {
 public:
  void init() override {
    sum_ = &context().store(kSum);
    windows_ = &context().store(kPerWindow);
  }
  void process(const Record<Text, Text>& record) override {
    const Number sum = sum_->get(record.key).value_or(0) + number(record.value);
    sum_->put(record.key, sum);
    if (sum > 150) sum_->erase(record.key);
    sum_->put_if_absent("first", sum);
    const Timestamp start = from_ms(to_ms(record.timestamp) / 50 * 50);
    const Number n = windows_->fetch(record.key, start).value_or(0) + 1;
    windows_->put(record.key, n, start);
    context().forward(record, std::to_string(sum) + "#" + std::to_string(n) + "@" +
                                  std::to_string(to_ms(context().current_stream_time())));
  }

 private:
  KeyValueStore<Text, Number>* sum_ = nullptr;
  WindowStore<Text, Number>* windows_ = nullptr;
};

// Sends and erases what Summing keeps, as stream time passes.
class Sweeping : public Processor<Text, Text, Text, Text> {
 public:
  void init() override {
    sum_ = &context().store(kSum);
    context().schedule(70ms, PunctuationType::kStreamTime, [this](Timestamp now) {
      for (const auto& [key, sum] : sum_->all()) {
        context().forward(key, std::to_string(sum) + "@" + std::to_string(to_ms(now)));
        sum_->erase(key);
      }
    });
  }
  void process(const Record<Text, Text>& record) override {
    sum_->put(record.key, sum_->get(record.key).value_or(0) + number(record.value));
  }

 private:
  KeyValueStore<Text, Number>* sum_ = nullptr;
};

// Keeps records; a punctuator sends and erases what was kept. Its time, and that of the record, shows.
class Keeping : public Processor<Text, Text, Text, Text> {
 public:
  Keeping(PunctuationType type, Duration interval) : type_(type), interval_(interval) {}
  void init() override {
    kept_ = &context().store(kKept);
    context().schedule(interval_, type_, [this](Timestamp now) { sweep(now); });
  }
  void process(const Record<Text, Text>& record) override {
    kept_->put(record.key, record.value + "/" + shown(context().current_system_time()));
  }

 private:
  static Text shown(Timestamp time) { return std::to_string(to_ms(time)); }
  void sweep(Timestamp now) {
    for (const auto& [key, value] : kept_->all()) {
      context().forward(key,
                        value + "/" + shown(now) + "/" + shown(context().current_system_time()));
      kept_->erase(key);
    }
  }

  const PunctuationType type_;
  const Duration interval_;
  KeyValueStore<Text, Text>* kept_ = nullptr;
};
}  // namespace

std::vector<Operator> processors() {
  return {
      {"KStream::process",
       [](StreamsBuilder& b) { b.stream<Text, Text>("in").process(Doubling()).to("out"); },
       stream_script},
      {"KStream::process_values",
       [](StreamsBuilder& b) {
         b.add_state_store(kSum);
         b.add_state_store(kPerWindow, 50ms, {.retention = 60ms});
         b.stream<Text, Text>("in")
             .process_values(Summing(), {.stores = {kSum, kPerWindow}})
             .to("out");
       },
       stream_script},
      {"KStream::process, by stream time",
       [](StreamsBuilder& b) {
         b.add_state_store(kSum);
         b.stream<Text, Text>("in")
             .process(Sweeping(), {.stores = {kSum}, .name = "sweeping"})
             .to("out");
       },
       stream_script},
      {"KStream::process, by the wall clock",
       [](StreamsBuilder& b) {
         b.add_state_store(kKept);
         b.stream<Text, Text>("in")
             .process(Keeping(PunctuationType::kWallClockTime, 2500ms), {.stores = {kKept}})
             .to("out");
       },
       stream_script, 1000ms},
  };
}

}  // namespace millrace::testing
