#include "run/kill.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "text.h"

extern char** environ;

namespace flights {

namespace {

// Where a worker writes how far it is.
constexpr int kReports = 3;

// A commit is under way, or a transaction is open, or neither: wherever the kill falls.
constexpr int kJitterMilliseconds = 200;

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) {
      throw std::system_error(errno, std::generic_category(), "making a pipe");
    }
  }
  ~Pipe() {
    ::close(ends_[0]);
    close_write_end();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int write_end() const { return ends_[1]; }
  void close_write_end() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  // False: nobody will write any more.
  bool read(std::int64_t& number) const {
    ssize_t size = 0;
    while ((size = ::read(ends_[0], &number, sizeof(number))) < 0 && errno == EINTR) {
    }
    return size == sizeof(number);
  }

 private:
  int ends_[2];
};

pid_t start(const std::vector<std::string>& arguments, const Pipe& reports) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, reports.write_end(), kReports);
  pid_t pid = 0;
  std::fflush(stdout);
  const int error = ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error) throw std::system_error(error, std::generic_category(), "starting the worker");
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

void run_and_kill(const std::vector<std::string>& arguments, int times, std::int64_t flights) {
  const auto seed = std::random_device()();
  std::mt19937 random(seed);
  std::printf("The worker will be killed %d times (seed %u)\n", times, seed);
  std::uniform_real_distribution<double> within(0, 1);
  std::uniform_int_distribution<int> jitter(0, kJitterMilliseconds);
  for (int kill = 1; kill <= times; ++kill) {
    const double target = (kill - within(random)) / (times + 1) * static_cast<double>(flights);
    Pipe reports;
    const pid_t worker = start(arguments, reports);
    reports.close_write_end();
    std::int64_t done = 0;
    while (static_cast<double>(done) < target && reports.read(done)) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(jitter(random)));
    ::kill(worker, SIGKILL);
    if (!ended_by_kill(worker)) {
      std::printf("  the worker was done before kill %d\n", kill);
      return;
    }
    std::printf("  kill -9 behind %s flights, %d of %d\n", with_commas(done).c_str(), kill, times);
  }
  Pipe unread;
  const pid_t worker = start(arguments, unread);
  unread.close_write_end();
  std::int64_t done = 0;
  while (unread.read(done)) {
  }
  if (ended_by_kill(worker)) throw std::runtime_error("somebody else killed the worker");
}

void report_to_parent(std::int64_t flights) { (void)!::write(kReports, &flights, sizeof(flights)); }

void end_with_parent() { ::prctl(PR_SET_PDEATHSIG, SIGKILL); }

}  // namespace flights
