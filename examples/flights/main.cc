// flights-demo: 20,000 real flights through a topology, and every answer checked at the end.
#include <millrace/config.h>
#include <millrace/error.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "arguments.h"
#include "check/check.h"
#include "flights_topology.h"
#include "replay.h"
#include "report.h"
#include "run/follow.h"
#include "run/kill.h"
#include "run/run_embedded.h"
#include "run/run_in_memory.h"
#include "run/run_on_kafka.h"
#include "run/work_directory.h"

namespace {

using flights::Arguments;

constexpr double kPerSecond = 5000;
constexpr double kPerSecondKilled = 2000;  // there must be something to interrupt
constexpr double kPerSecondOnKafka = 2000;

// The worker in a process of its own, killed on the way.
void work_and_kill(const Arguments& arguments, const std::string& directory,
                   const flights::Replay& replay) {
  const double per_second = arguments.per_second.value_or(kPerSecondKilled);
  std::vector<std::string> command = {std::filesystem::read_symlink("/proc/self/exe").string(),
                                      "--work", "--dir=" + directory, "--data=" + arguments.data,
                                      "--per-second=" + std::to_string(per_second)};
  command.insert(command.end(), arguments.for_streams.begin() + 1, arguments.for_streams.end());
  flights::run_and_kill(command, arguments.kills, static_cast<std::int64_t>(replay.flights.size()));
}

flights::Results run_embedded(const Arguments& arguments, const millrace::StreamsConfig& config,
                              const flights::Replay& replay) {
  const flights::WorkDirectory directory(arguments.directory);
  std::printf("On the embedded log in %s with %d partitions\n", directory.path().c_str(),
              flights::kPartitions);
  if (arguments.kills > 0) {
    work_and_kill(arguments, directory.path(), replay);
  } else {
    flights::work_embedded(directory.path(), replay, arguments.per_second.value_or(kPerSecond),
                           config);
  }
  return flights::read_embedded(directory.path());
}

int check(const Arguments& arguments, const flights::Results& results) {
  flights::print_tables(results);
  const flights::check::Outcome outcome =
      flights::check::check(flights::check::read_truth(arguments.data), results);
  flights::print_late(outcome);
  flights::print_check(outcome);
  return outcome.equal() ? 0 : 1;
}

int run(int argc, char** argv) {
  const Arguments arguments = flights::parse(argc, argv);
  if (arguments.run == Arguments::Run::kHelp) return std::fputs(flights::kUsage, stdout) < 0;
  if (arguments.run == Arguments::Run::kDescribe) {
    return std::fputs(flights::flights_topology().describe().c_str(), stdout) < 0;
  }
  const auto config = millrace::StreamsConfig().with_arguments(
      static_cast<int>(arguments.for_streams.size()), arguments.for_streams.data());
  const flights::Replay replay = flights::read_replay(arguments.data);
  const double per_second = arguments.per_second.value_or(kPerSecond);
  switch (arguments.run) {
    case Arguments::Run::kWork:
      flights::end_with_parent();
      flights::work_embedded(arguments.directory, replay, per_second, config,
                             flights::report_to_parent);
      return 0;
    case Arguments::Run::kFollow: {
      const flights::WorkDirectory directory(arguments.directory);
      flights::follow(directory.path(), replay, per_second, config);
      return 0;
    }
    case Arguments::Run::kMemory:
      return check(arguments, flights::run_in_memory(replay, arguments.hostile));
    case Arguments::Run::kKafka:
      return check(
          arguments,
          flights::run_on_kafka(replay, arguments.per_second.value_or(kPerSecondOnKafka), config));
    default:
      return check(arguments, run_embedded(arguments, config, replay));
  }
}

}  // namespace

int main(int argc, char** argv) try { return run(argc, argv); } catch (const std::exception& e) {
  std::fprintf(stderr, "flights-demo: %s\n", e.what());
  return 1;
}
