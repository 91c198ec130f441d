// Runs lone_application (lone_application.cc says what it does) and hears what it says.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

namespace millrace::e2e {

class LoneProcess {
 public:
  static constexpr int kRefused = 2;
  static constexpr int kFailed = 3;
  static constexpr int kNotPossible = 77;

  LoneProcess(const std::filesystem::path& log, const std::filesystem::path& state, int records,
              const std::vector<std::string>& options = {}) {
    std::vector<std::string> words = {MILLRACE_LONE_APPLICATION, log, state,
                                      std::to_string(records)};
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return;
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::dup2(out[1], 2);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_ = in[1];
    out_ = out[0];
  }
  ~LoneProcess() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    if (in_ >= 0) ::close(in_);
    if (out_ >= 0) ::close(out_);
  }
  LoneProcess(const LoneProcess&) = delete;
  LoneProcess& operator=(const LoneProcess&) = delete;

  pid_t pid() const { return child_; }

  // Effect: reads until it has said this, or is at its end. Returns whether it has.
  bool hear(const std::string& part) {
    while (said_.find(part) == std::string::npos) {
      if (!read_some()) return false;
    }
    return true;
  }

  // Effect: its input ends; reads to its end. Returns its exit code; −1: it was killed, or never ended.
  int end() {
    ::close(in_);
    in_ = -1;
    while (read_some()) {
    }
    if (hung_) ::kill(child_, SIGKILL);
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  const std::string& said() const { return said_; }

  // "exact, N MB at most"
  int megabytes() const {
    const auto at = said_.find("exact, ");
    return at == std::string::npos ? -1 : std::stoi(said_.substr(at + 7));
  }

 private:
  bool read_some() {
    pollfd ready{out_, POLLIN, 0};
    hung_ = ::poll(&ready, 1, 60'000) == 0;
    char buffer[4096];
    const ssize_t n = hung_ ? 0 : ::read(out_, buffer, sizeof buffer);
    if (n > 0) said_.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
  }

  pid_t child_ = -1;
  int in_ = -1;
  int out_ = -1;
  bool hung_ = false;
  std::string said_;
};

}  // namespace millrace::e2e
