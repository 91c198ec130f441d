// What the demo was asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flights {

struct Arguments {
  enum class Run {
    kEmbedded,  // on a directory
    kWork,      // the same, the worker alone: what --kill starts and kills
    kFollow,    // on a directory, without end
    kMemory,    // on a log in this process, maybe hostile
    kKafka,
    kDescribe,
    kHelp,
  };
  Run run = Run::kEmbedded;
  std::string data = FLIGHTS_DATA;
  std::string directory;  // empty: one that is made up, and goes at the end
  int kills = 0;
  std::optional<std::uint64_t> hostile;
  std::optional<double> per_second;
  std::vector<const char*> for_streams;  // what only StreamsConfig understands
};

extern const char* const kUsage;

// Errors: std::invalid_argument where a number is none.
Arguments parse(int argc, const char* const* argv);

}  // namespace flights
