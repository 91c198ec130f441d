// Runs the demo's worker in a process of its own, and kills it on the way.
#pragma once

#include <string>
#include <vector>

namespace flights {

// Effect: starts `arguments` (the program and what follows), kills it `times` times with SIGKILL, at
// random moments of its first `seconds`, starting it again each time; then lets it come to its end.
// Errors: std::runtime_error if it ends by itself with another code than 0, or cannot be started.
void run_and_kill(const std::vector<std::string>& arguments, int times, double seconds);

// Effect: this process ends with the one that started it.
void end_with_parent();

}  // namespace flights
