// Topologies that fail at a chosen place, run on a memory log with handlers, and what is visible
// afterwards.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "log/memory/memory_log.h"
#include "millrace/dsl.h"
#include "worker/worker.h"

namespace millrace::worker {

// Values that say where they fail. A serde throws for some of them.
struct Fragile {
  std::string text;
};
// Refuses to read what begins with "!read".
struct FragileSerde {
  void serialize(const Fragile& value, Bytes& out) const { out.append(value.text); }
  void deserialize(BytesView in, Fragile& value) const {
    if (in.starts_with("!read")) throw SerdeError("cannot read this");
    value.text = in;
  }
};
// Refuses to write what contains "!write".
struct FragileWriter {
  void serialize(const Fragile& value, Bytes& out) const {
    if (value.text.find("!write") != std::string::npos) throw SerdeError("cannot write this");
    out.append(value.text);
  }
  void deserialize(BytesView in, Fragile& value) const { value.text = in; }
};

struct Input {
  std::string key;
  std::string value;
  std::int64_t at = 0;
  std::int32_t partition = 0;
};

struct Seen {
  // By topic and partition; "key=value@time". Of changelogs what they come to: where transactions
  // end decides how often a cell is written.
  std::map<std::string, std::vector<std::string>> outputs;
  std::vector<log::memory::StoredRecord> dead_letters;
  std::map<std::string, std::int64_t> dropped;
  std::string failure;
  std::int64_t aborts = 0;
};

struct RunOptions {
  std::optional<std::uint64_t> hostile = {};
  ErrorHandling errors = {};
  std::int32_t partitions = 1;
  std::map<std::string, std::string> out_config = {};  // of topic "out"
  std::size_t records_per_step = 200;
  Duration commit_interval{100};
  Timestamp start = from_ms(1'000'000);
};

// Effect: writes the input to "in", runs a worker until all is committed, or a task backs off for
// good, and returns what a consumer of the log sees.
Seen run(const Topology& topology, const std::vector<Input>& input, const RunOptions& options);

// From "in" to "out" and a table that is kept in store "n", with a function in between; the text of
// a value decides where it fails:
//   !read...   the deserializer     !call...  the function, before the store
//   !late...   a function behind the store       !write  the sink's serializer
Topology fragile(std::function<void(const std::string&)> call = {});

// From "in" into store "last" of the key's last value, whose serde refuses "!write" at the
// changelog, and from there the length to "out".
Topology fragile_changelog();

}  // namespace millrace::worker
