// flights-demo: 20,000 real flights through a topology, and every answer checked at the end.
#include <millrace/config.h>
#include <millrace/error.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "check/check.h"
#include "flights_topology.h"
#include "replay.h"
#include "report.h"
#include "run/run_in_memory.h"
#include "run/run_on_kafka.h"

namespace {

constexpr const char* kUsage =
    R"(flights-demo [options]

  (nothing)                      run on a log in this process
  --hostile=SEED                 the same on a log that behaves as badly as a cluster may
  --bootstrap.servers=HOST:PORT  run on Kafka; --KEY=VALUE sets any other key of StreamsConfig
  --per-second=N                 on Kafka: flights that leave in a second, 2000; 0: all at once
  --data=FOLDER                  where flights-20k.jsonl and airports.csv are
  --describe                     print the topology, and nothing else

Exit code 0 if every answer is right.
)";

struct Arguments {
  std::string data = FLIGHTS_DATA;
  std::optional<std::uint64_t> hostile;
  double per_second = 2000;
  bool on_kafka = false;
  bool describe = false;
  bool help = false;
  std::vector<const char*> for_streams;  // what only StreamsConfig understands
};

// Errors: std::invalid_argument where a seed is no number.
Arguments parse(int argc, char** argv) {
  Arguments arguments;
  arguments.for_streams.push_back(argv[0]);
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto value = [&](std::string_view name) -> std::optional<std::string> {
      if (!argument.starts_with(name)) return std::nullopt;
      if (argument.size() > name.size() && argument[name.size()] == '=') {
        return std::string(argument.substr(name.size() + 1));
      }
      if (argument == name && i + 1 < argc) return argv[++i];
      return std::nullopt;
    };
    if (argument == "--help" || argument == "-h") {
      arguments.help = true;
    } else if (argument == "--describe") {
      arguments.describe = true;
    } else if (const auto seed = value("--hostile")) {
      arguments.hostile = std::stoull(*seed);
    } else if (const auto rate = value("--per-second")) {
      arguments.per_second = std::stod(*rate);
    } else if (const auto data = value("--data")) {
      arguments.data = *data;
    } else {
      arguments.on_kafka = arguments.on_kafka || argument.starts_with("--bootstrap.servers");
      arguments.for_streams.push_back(argv[i]);
    }
  }
  return arguments;
}

int run(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  if (arguments.help) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (arguments.describe) {
    std::fputs(flights::flights_topology().describe().c_str(), stdout);
    return 0;
  }
  const auto config = millrace::StreamsConfig().with_arguments(
      static_cast<int>(arguments.for_streams.size()), arguments.for_streams.data());
  const flights::Replay replay = flights::read_replay(arguments.data);

  const flights::Results results = arguments.on_kafka
                                       ? flights::run_on_kafka(replay, arguments.per_second, config)
                                       : flights::run_in_memory(replay, arguments.hostile);
  flights::print_tables(results);
  const flights::check::Outcome outcome =
      flights::check::check(flights::check::read_truth(arguments.data), results);
  flights::print_late(outcome);
  flights::print_check(outcome);
  return outcome.equal() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try { return run(argc, argv); } catch (const std::exception& e) {
  std::fprintf(stderr, "flights-demo: %s\n", e.what());
  return 1;
}
