// Runs the demo's worker in a process of its own, and kills it on the way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace flights {

// Effect: starts `arguments` (the program and what follows), kills it `times` times with SIGKILL, at
// random moments spread over its `flights`, starting it again each time; then lets it come to its end.
// The program says by a Reporter how far it is.
// Errors: std::runtime_error if it ends by itself with another code than 0, or cannot be started.
void run_and_kill(const std::vector<std::string>& arguments, int times, std::int64_t flights);

// Tells the process that started this one, if that is run_and_kill(), how many flights are done.
void report_to_parent(std::int64_t flights);

// Effect: this process ends with the one that started it.
void end_with_parent();

}  // namespace flights
