#include "cases/runner/show.h"

#include "millrace/bytes.h"

namespace millrace::cases {

namespace {

std::string show_headers(const HeaderList& headers) {
  if (headers.empty()) return {};
  std::string shown = " headers";
  for (const auto& [name, value] : headers) shown += ' ' + name + '=' + quoted(value);
  return shown;
}

std::string show_key(const Text& key, const std::optional<WindowBounds>& window) {
  if (!window) return quoted(key);
  return quoted(key) + '@' + std::to_string(window->start) + '/' + std::to_string(window->end);
}

}  // namespace

std::string quoted(const Text& text) { return text ? '"' + text.bytes() + '"' : "null"; }

std::string show_record(const OutputRecord& record) {
  return show_key(record.key, record.window) + " = " + quoted(record.value) + " ts " +
         std::to_string(record.timestamp) + show_headers(record.headers) +
         (record.at < 0 ? "" : " at " + std::to_string(record.at));
}

std::string show_record(const ByteRecord& record) {
  return quoted(record.key) + " = " + quoted(record.value) +
         (record.timestamp ? " ts " + std::to_string(*record.timestamp) : "");
}

std::string show_record(const StoreEntry& entry) {
  return show_key(entry.key, entry.window) + " = " + quoted(entry.value) +
         (entry.timestamp ? " ts " + std::to_string(*entry.timestamp) : "");
}

std::string show_record(const std::pair<Text, Text>& pair) {
  return quoted(pair.first) + " = " + quoted(pair.second);
}

std::string show_step(const InputStep& step) {
  if (step.advance_wall_clock_ms) {
    return "the wall clock moves by " + std::to_string(*step.advance_wall_clock_ms) + " ms";
  }
  return step.topic + ": " + quoted(step.key) + " = " + quoted(step.value) + " ts " +
         std::to_string(step.timestamp) + show_headers(step.headers);
}

std::string hex_of(std::int64_t number, int width) {
  Bytes bytes;
  for (int i = width - 1; i >= 0; --i) {
    bytes.push_back(static_cast<char>((static_cast<std::uint64_t>(number) >> (8 * i)) & 0xFF));
  }
  return to_hex(bytes);
}

}  // namespace millrace::cases
