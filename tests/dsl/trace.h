// Traces: what goes into a topology and what comes out of it, as text.
//
//   expect_trace(*builder.graph(), R"(
//     I:A=1@5 -> (A,null)@5
//     I:B=2@10 I:A=2@15 -> (A,2)@15
//     I:C=1@31 -> .
//   )");
//
// `T:key=value@ts` is a record on topic T; `(key,value)@ts` one that was sent to topic "o", else
// the topic stands before it: `o1:(k,v)@3`. null is a real null. All inputs of a line but the last
// must make no output; `.` is no output. Lines that begin with # are comments.
//
// A word behind an input is the name of a header: `I:k=a@1 h1`; a trace that says `hdr=` shows
// those of the outputs: `(k,1)@1 hdr=h1`. Windowed keys, written by WindowTextSerde, show as
// `[k@0/10,v]@ts`.
//
// A trace is run several times: results must not depend on where transactions end, on aborts, or on
// restarts.
#pragma once

#include <gtest/gtest.h>

#include <charconv>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/windowed.h"
#include "support/fake_task.h"

namespace millrace::testing {

// A text that may be null by itself, as the values of Java are.
struct Text {
  std::string chars;
  bool null = false;

  Text() = default;
  Text(std::string_view text) : chars(text) {}  // implicit: tests write literals
  Text(const char* text) : chars(text) {}
  Text(std::string text) : chars(std::move(text)) {}
  static Text none() {
    Text text;
    text.null = true;
    return text;
  }
  std::string shown() const { return null ? "null" : chars; }
  friend bool operator==(const Text&, const Text&) = default;
};

// Writes numbers as people do.
struct DecimalSerde {
  void serialize(std::int64_t value, Bytes& out) const { out.append(std::to_string(value)); }
  void deserialize(BytesView in, std::int64_t& value) const { value = std::stoll(std::string(in)); }
};

// Writes "k@0/10", and 8 more bytes, because a sink takes the last 8 for the window's start.
struct WindowTextSerde {
  void serialize(const Windowed<Text>& key, Bytes& out) const {
    out.append(key.key.shown()).append("@").append(std::to_string(to_ms(key.window.start)));
    out.append("/").append(std::to_string(to_ms(key.window.end))).append(8, ' ');
  }
  void deserialize(BytesView, Windowed<Text>&) const { throw SerdeError("is only written"); }
};

struct TraceStep {
  std::string topic;
  OptionalBytes key;
  OptionalBytes value;
  std::int64_t timestamp = 0;
  Headers headers = {};
};

inline OptionalBytes trace_bytes(std::string_view text) {
  return text == "null" ? std::nullopt : OptionalBytes(Bytes(text));
}

inline TraceStep parse_step(std::string_view text) {
  const auto colon = text.find(':');
  const auto equals = text.find('=', colon);
  const auto at = text.rfind('@');
  TraceStep step;
  step.topic = text.substr(0, colon);
  step.key = trace_bytes(text.substr(colon + 1, equals - colon - 1));
  step.value = trace_bytes(text.substr(equals + 1, at - equals - 1));
  const std::string_view time = text.substr(at + 1);
  std::from_chars(time.data(), time.data() + time.size(), step.timestamp);
  return step;
}

inline std::string to_text(const std::vector<FakeTask::Sent>& records, bool with_headers = false) {
  std::string text;
  for (const FakeTask::Sent& record : records) {
    if (!text.empty()) text += ", ";
    if (record.topic != "o") text += record.topic + ':';
    std::string key = record.key.value_or("null");
    const bool windowed = key.find('@') != std::string::npos;
    key.erase(key.find_last_not_of(' ') + 1);
    text += (windowed ? '[' : '(') + key + ',' + record.value.value_or("null");
    text += std::string(windowed ? "]" : ")") + '@' + std::to_string(to_ms(record.timestamp));
    if (!with_headers) continue;
    text += " hdr=";
    for (const Header& header : record.headers) text += header.name;
    if (record.headers.empty()) text += "none";
  }
  return text.empty() ? "." : text;
}

enum class TraceRun { kCommitEach, kOneTransaction, kAbortEach, kRestartEach };

inline const char* name_of(TraceRun run) {
  switch (run) {
    case TraceRun::kCommitEach:
      return "a commit after each record";
    case TraceRun::kOneTransaction:
      return "one transaction";
    case TraceRun::kAbortEach:
      return "each record aborted once";
    case TraceRun::kRestartEach:
      return "a restart after each record";
  }
  return "";
}

inline std::vector<TraceStep> parse_steps(std::string_view inputs) {
  std::vector<TraceStep> steps;
  std::istringstream words{std::string(inputs)};
  for (std::string word; words >> word;) {
    if (word.find(':') != std::string::npos) {
      steps.push_back(parse_step(word));
    } else {
      steps.back().headers.add(word, "");
    }
  }
  return steps;
}

inline std::string pipe_line(FakeTask& task, std::string_view inputs,
                             TraceRun run = TraceRun::kCommitEach, bool with_headers = false) {
  std::string output = ".";
  for (const TraceStep& step : parse_steps(inputs)) {
    EXPECT_EQ(output, ".") << "before the last of " << inputs;
    task.pipe(step.topic, step.key, step.value, step.timestamp, step.headers);
    output = to_text(task.take(), with_headers);
    if (run == TraceRun::kRestartEach) task.restart();
  }
  return output;
}

inline std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

inline void expect_trace(const graph::GraphBuilder& graph, std::string_view trace, TraceRun run) {
  FakeTask task(graph, run == TraceRun::kOneTransaction ? Transactions::kByHand
                       : run == TraceRun::kAbortEach    ? Transactions::kAbortThenCommit
                                                        : Transactions::kCommitEach);
  const bool with_headers = trace.find("hdr=") != std::string_view::npos;
  std::istringstream lines{std::string(trace)};
  for (std::string line; std::getline(lines, line);) {
    line = trimmed(line);
    if (line.empty() || line.front() == '#') continue;
    const auto arrow = line.find("->");
    const std::string expected = trimmed(std::string_view(line).substr(arrow + 2));
    EXPECT_EQ(pipe_line(task, std::string_view(line).substr(0, arrow), run, with_headers), expected)
        << line << "\nwith " << name_of(run);
  }
}

inline void expect_trace(const graph::GraphBuilder& graph, std::string_view trace) {
  for (const TraceRun run : {TraceRun::kCommitEach, TraceRun::kOneTransaction, TraceRun::kAbortEach,
                             TraceRun::kRestartEach}) {
    expect_trace(graph, trace, run);
  }
}

}  // namespace millrace::testing

template <>
struct millrace::Serde<millrace::testing::Text> {
  using Text = millrace::testing::Text;
  static bool is_null(const Text& text) { return text.null; }
  static void set_null(Text& text) { text = Text::none(); }
  void serialize(const Text& text, Bytes& out) const { out.append(text.chars); }
  void deserialize(BytesView in, Text& text) const {
    text.chars.assign(in);
    text.null = false;
  }
};
