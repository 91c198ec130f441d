// What every benchmark of the whole engine shares: one line a figure, NAME VALUE UNIT, and the input.
#pragma once

#include <millrace/embedded_log.h>
#include <millrace/streams.h>
#include <millrace/topic.h>

#include <cstdint>
#include <string>

namespace millrace::bench {

// Prints one line: NAME VALUE UNIT.
void figure(const std::string& name, double value, const std::string& unit);

// CPU seconds of the whole process so far, all its threads.
double cpu_seconds();
double wall_seconds();
// The most memory the process has held, in megabytes.
double peak_megabytes();

// A directory that goes with this object.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct InputShape {
  std::int64_t records = 0;
  std::int64_t keys = 1'000'000;
  std::int32_t partitions = 2;
  std::size_t value_bytes = 50;
  std::int64_t records_per_second_of_time = 100'000;  // how fast timestamps go on
  bool growing = false;  // every key once, in a random order, rather than by Zipf's law
};

// Effect: appends the input to the topic, a thousand records a transaction. Keys have 16 bytes and are
// drawn by a Zipf distribution of exponent 1, the same for the same shape.
void append_input(EmbeddedLog& log, const std::string& topic, const InputShape& shape);

// Effect: starts the application and waits until it has taken and committed all records; then closes
// it. Returns the CPU seconds of that.
double run_to_end(Streams& app, std::int64_t records);

}  // namespace millrace::bench
