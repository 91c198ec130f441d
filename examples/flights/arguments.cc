#include "arguments.h"

#include <stdexcept>
#include <string_view>

namespace flights {

const char* const kUsage =
    R"(flights-demo [options]

  (nothing)                      run on the embedded log, in a directory that is made up
  --dir=FOLDER                   in this directory; what is there goes on
  --kill[=N]                     kill the worker N times on the way, 10, with SIGKILL
  --follow                       replay without end, and show how it does
  --memory                       run on a log in this process
  --hostile=SEED                 the same on a log that behaves as badly as a cluster may
  --bootstrap.servers=HOST:PORT  run on Kafka; --KEY=VALUE sets any other key of StreamsConfig
  --per-second=N                 flights that leave in a second, 5000; with --kill and on Kafka 2000;
                                 0: all at once
  --data=FOLDER                  where flights-20k.jsonl and airports.csv are
  --describe                     print the topology, and nothing else

Exit code 0 if every answer is right.
)";

Arguments parse(int argc, const char* const* argv) {
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
      arguments.run = Arguments::Run::kHelp;
    } else if (argument == "--describe") {
      arguments.run = Arguments::Run::kDescribe;
    } else if (argument == "--follow") {
      arguments.run = Arguments::Run::kFollow;
    } else if (argument == "--memory") {
      arguments.run = Arguments::Run::kMemory;
    } else if (argument == "--work") {
      arguments.run = Arguments::Run::kWork;
    } else if (argument == "--kill") {
      arguments.kills = 10;
    } else if (const auto kills = value("--kill")) {
      arguments.kills = std::stoi(*kills);
    } else if (const auto seed = value("--hostile")) {
      arguments.run = Arguments::Run::kMemory;
      arguments.hostile = std::stoull(*seed);
    } else if (const auto rate = value("--per-second")) {
      arguments.per_second = std::stod(*rate);
    } else if (const auto data = value("--data")) {
      arguments.data = *data;
    } else if (const auto directory = value("--dir")) {
      arguments.directory = *directory;
    } else {
      if (argument.starts_with("--bootstrap.servers")) arguments.run = Arguments::Run::kKafka;
      arguments.for_streams.push_back(argv[i]);
    }
  }
  return arguments;
}

}  // namespace flights
