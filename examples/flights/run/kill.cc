#include "run/kill.h"

#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <random>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace flights {

namespace {

pid_t start(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t pid = 0;
  if (const int error = ::posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), environ)) {
    throw std::runtime_error("starting the worker: " + std::string(std::strerror(error)));
  }
  return pid;
}

// Waits for its end. Returns true if it was killed.
bool ended_by_kill(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return true;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return false;
  throw std::runtime_error("the worker failed; what it said is above");
}

}  // namespace

void run_and_kill(const std::vector<std::string>& arguments, int times, double seconds) {
  std::random_device entropy;
  const auto seed = entropy();
  std::mt19937 random(seed);
  std::printf("The worker will be killed %d times (seed %u)\n", times, seed);
  std::uniform_real_distribution<double> share(0.5, 1.5);
  for (int kill = 1; kill <= times; ++kill) {
    std::fflush(stdout);
    const pid_t worker = start(arguments);
    std::this_thread::sleep_for(std::chrono::duration<double>(share(random) * seconds / times));
    ::kill(worker, SIGKILL);
    if (!ended_by_kill(worker)) {
      std::printf("  the worker was done before kill %d\n", kill);
      return;
    }
    std::printf("  kill -9, %d of %d\n", kill, times);
  }
  std::fflush(stdout);
  if (ended_by_kill(start(arguments))) throw std::runtime_error("somebody else killed the worker");
}

void end_with_parent() { ::prctl(PR_SET_PDEATHSIG, SIGKILL); }

}  // namespace flights
