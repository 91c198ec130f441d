#include "cases/runner/run.h"

#include <algorithm>
#include <map>
#include <string>

#include "cases/runner/building.h"
#include "cases/runner/span_guard.h"
#include "cases/runner/stored_state.h"
#include "millrace/error.h"

namespace millrace::cases {

namespace {

constexpr const char* kApplication = "conf";

Headers to_headers(const HeaderList& list) {
  Headers headers;
  for (const auto& [name, value] : list) {
    headers.add(name, value ? OptionalBytes(value.bytes()) : std::nullopt);
  }
  return headers;
}

HeaderList to_list(const Headers& headers) {
  HeaderList list;
  for (const Header& header : headers) {
    list.emplace_back(header.name, header.value ? Text(*header.value) : Text());
  }
  return list;
}

void set_key(const Text& key, OutputRecord& record) { record.key = key; }
void set_key(const Windowed<Text>& key, OutputRecord& record) {
  record.key = key.key;
  record.window = {to_ms(key.window.start), to_ms(key.window.end)};
}

class CaseRun {
 public:
  CaseRun(const Case& c, const Treatment& treatment)
      : case_(c),
        treatment_(treatment),
        built_(build_case(c)),
        driver_(std::move(built_.topology), {.application_id = kApplication},
                {.hostile = treatment.hostile,
                 .hostile_keeps_tasks = treatment.keeps_tasks,
                 .disk = treatment.disk,
                 .commit_each_input = treatment.commit_each_input}),
        guard_(built_.has_internal_topics) {
    driver_.on_transaction_end(
        [journal = built_.journal](bool committed) { journal->end_transaction(committed); });
    run_.has_stores = !built_.stores.empty();
    run_.results.output.emplace();
    run_.results.repartition.emplace();
    for (const auto& [topic, kind] : built_.outputs) {
      (*run_.results.output)[topic];
      if (kind.writers > 1 && built_.has_internal_topics) run_.interleaved.insert(topic);
    }
  }

  Run run() {
    if (pipe_all()) take_state();
    run_.counts = driver_.counts();
    return std::move(run_);
  }

 private:
  bool spanning() const { return !treatment_.commit_each_input; }

  // Returns whether the application lives to the end.
  bool pipe_all() {
    for (std::size_t i = 0; i < case_.input.size(); ++i) {
      try {
        pipe(i, case_.input[i]);
        const bool last = i + 1 == case_.input.size();
        if (!spanning() || last) take_outputs(spanning() ? -1 : static_cast<std::int64_t>(i));
      } catch (const StoppedError& e) {
        run_.results.failure_at = static_cast<std::int64_t>(i);
        run_.results.failure = e.what();
        return false;
      }
    }
    return true;
  }

  void pipe(std::size_t i, const InputStep& step) {
    if (treatment_.restart_before.contains(i)) {
      dropped_before_ += dropped_records();
      driver_.restart();
    }
    if (spanning()) wait_before(i, step);
    if (step.advance_wall_clock_ms) {
      driver_.advance_wall_clock_time(Duration(*step.advance_wall_clock_ms));
    } else {
      driver_.create_input_topic(Topic<Text, Text>(step.topic))
          .pipe_input({step.key, step.value, from_ms(step.timestamp), to_headers(step.headers)});
    }
    if (spanning() && fails_at(i)) driver_.settle();
  }

  void wait_before(std::size_t i, const InputStep& step) {
    const SpanGuard::Before must = guard_.before(step);
    if (must == SpanGuard::Before::kCommitted || fails_at(i)) driver_.settle();
    if (must == SpanGuard::Before::kTaken) driver_.drain();
    if (fails_at(i)) take_outputs(-1);
  }

  bool fails_at(std::size_t i) const {
    return case_.expect.failure_at == static_cast<std::int64_t>(i);
  }

  // --- outputs ----------------------------------------------------------------------------------

  void take_outputs(std::int64_t at) {
    for (const auto& [topic, kind] : built_.outputs) {
      if (kind.window_size) {
        take(Topic<Windowed<Text>, Text>(topic,
                                         {.key = time_windowed_serde<Text>(*kind.window_size)}),
             windowed_outputs_, at);
      } else {
        take(Topic<Text, Text>(topic), outputs_, at);
      }
    }
    for (const std::string& topic : driver_.produced_topics()) {
      if (topic.ends_with("-repartition")) take_repartition(topic);
    }
  }

  template <class K>
  void take(const Topic<K, Text>& topic, std::map<std::string, TestOutputTopic<K, Text>>& open,
            std::int64_t at) {
    TestOutputTopic<K, Text>& output =
        open.try_emplace(topic.name(), driver_.create_output_topic(topic)).first->second;
    while (!output.is_empty()) {
      const TestRecord<K, Text> taken = output.read_record();
      OutputRecord record{.value = taken.value,
                          .timestamp = to_ms(taken.timestamp),
                          .headers = to_list(taken.headers),
                          .at = at};
      set_key(taken.key, record);
      (*run_.results.output)[topic.name()].push_back(std::move(record));
    }
  }

  void take_repartition(const std::string& topic) {
    RawOutput& output =
        raw_.try_emplace(topic, driver_.create_output_topic(Topic<Payload, Payload>(topic)))
            .first->second;
    while (!output.is_empty()) {
      const auto record = output.read_record();
      (*run_.results.repartition)[topic].push_back(
          {hex_text(record.key), hex_text(record.value), to_ms(record.timestamp)});
    }
  }

  // --- at the end
  // ---------------------------------------------------------------------------------

  void take_state() {
    Results& results = run_.results;
    results.peek = built_.journal->committed();
    results.stores.emplace();
    results.changelogs.emplace();
    for (const auto& [name, kind] : built_.stores) {
      (*results.stores)[name] = store_content(driver_, name, kind);
      const std::string changelog = std::string(kApplication) + '-' + name + "-changelog";
      (*results.changelogs)[changelog] = folded(driver_.committed_records(changelog));
    }
    results.output_bytes.emplace();
    for (const auto& [topic, kind] : built_.outputs) {
      (*results.output_bytes)[topic] = as_bytes(driver_.committed_records(topic));
    }
    results.dropped_records = dropped_before_ + dropped_records();
  }

  // What Kafka Streams counts: null keys that a repartition topic cannot take are not among it.
  std::int64_t dropped_records() {
    std::int64_t sum = 0;
    for (const auto& [node_and_reason, count] : driver_.dropped_records()) {
      if (!node_and_reason.ends_with("/null_key_repartition")) sum += count;
    }
    return sum;
  }

  using Payload = std::optional<std::string>;
  using RawOutput = TestOutputTopic<Payload, Payload>;

  const Case& case_;
  const Treatment& treatment_;
  BuiltCase built_;
  TopologyTestDriver driver_;
  SpanGuard guard_;
  Run run_;
  std::int64_t dropped_before_ = 0;
  std::map<std::string, TestOutputTopic<Text, Text>> outputs_;
  std::map<std::string, TestOutputTopic<Windowed<Text>, Text>> windowed_outputs_;
  std::map<std::string, RawOutput> raw_;
};

}  // namespace

Run run_case(const Case& c, const Treatment& treatment) { return CaseRun(c, treatment).run(); }

}  // namespace millrace::cases
