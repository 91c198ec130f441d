// A broker of a test's own, which it may kill. Ends with the object.
#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace millrace::kafka_test {

// Runs tools/kafka on a free port. Not thread-safe: uses the environment.
class OwnBroker {
 public:
  OwnBroker() {
    setenv("MILLRACE_KAFKA_PORT", tool("free-port").c_str(), 1);
    servers_ = tool("start");
  }
  ~OwnBroker() {
    try {
      tool("stop");
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s\n", e.what());
    }
    unsetenv("MILLRACE_KAFKA_PORT");
  }
  OwnBroker(const OwnBroker&) = delete;
  OwnBroker& operator=(const OwnBroker&) = delete;

  const std::string& servers() const { return servers_; }
  void kill() { tool("kill 1"); }
  void restart() { tool("restart 1"); }

 private:
  // Effect: runs tools/kafka. Returns the last line that it printed.
  static std::string tool(const std::string& arguments) {
    const std::string command = std::string(MILLRACE_KAFKA_TOOL) + " " + arguments + " </dev/null";
    std::FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
    std::string last;
    std::array<char, 1024> line;
    while (std::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr)
      last = line.data();
    if (pclose(pipe) != 0) throw std::runtime_error(command + " failed");
    while (!last.empty() && last.back() == '\n') last.pop_back();
    return last;
  }

  std::string servers_;
};

}  // namespace millrace::kafka_test
