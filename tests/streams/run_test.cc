// How Streams::run() ends: in a process of its own, on the embedded log, told by signals that come to
// whichever thread the kernel picks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <millrace/dsl.h>
#include <millrace/embedded_log.h>
#include <millrace/streams.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "support/temporary_directory.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;

const Topic<std::string, std::string> kIn("in");
const Topic<std::string, std::string> kOut("out");

// A process that says what it has come to, a letter each.
class Process {
 public:
  using Say = std::function<void(char)>;
  // `body` returns the exit code; it runs in the child.
  explicit Process(const std::function<int(const Say&)>& body) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      int code = 99;
      try {
        code = body([to = ends[1]](char letter) {
          if (::write(to, &letter, 1) != 1) ::_exit(98);
        });
      } catch (const std::exception& e) {
        std::cerr << e.what() << std::endl;
      }
      ::_exit(code);
    }
    ::close(ends[1]);
    hears_ = ends[0];
  }
  ~Process() {
    ::kill(pid_, SIGKILL);
    if (!ended_) ::waitpid(pid_, nullptr, 0);
    ::close(hears_);
  }
  // Effect: waits until it has said this letter. Returns false if it ended before.
  bool wait_for(char wanted) const {
    char said = 0;
    while (::read(hears_, &said, 1) == 1) {
      if (said == wanted) return true;
    }
    return false;
  }
  void signal(int which) const { ::kill(pid_, which); }
  std::string ended() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    ended_ = true;
    if (WIFSIGNALED(status)) return "killed by signal " + std::to_string(WTERMSIG(status));
    return "exit code " + std::to_string(WEXITSTATUS(status));
  }

 private:
  pid_t pid_ = 0;
  int hears_ = 0;
  bool ended_ = false;
};

// Every record waits in a function for as long as `held` says so.
Topology holding(const std::atomic<bool>& held, const Process::Say& say) {
  StreamsBuilder builder;
  builder.stream(kIn)
      .map_values([&held, say](const std::string& value) {
        if (held) say('h');
        while (held) std::this_thread::yield();
        return value;
      })
      .to(kOut);
  return builder.build();
}

class Run : public testing::Test {
 protected:
  Run() {
    EmbeddedLog log(directory_, {}, &null_logger());
    log.create_topic("in", 2);
    log.create_topic("out", 2);
    EmbeddedWriter writer(log, kIn);
    writer.append("k", "v", Timestamp(1ms));
    writer.commit();
  }
  StreamsConfig config() const {
    return {.application_id = "app",
            .bootstrap_servers = "embedded://" + directory_,
            .num_stream_threads = 2,
            .logger = &null_logger()};
  }
  static void tell_states(Streams& app, const Process::Say& say) {
    app.on_state_change([say](Streams::State now, Streams::State) {
      if (now == Streams::State::kRunning) say('r');
      if (now == Streams::State::kClosing) say('c');
    });
  }
  std::size_t outputs() const {
    EmbeddedLog log(directory_, {}, &null_logger());
    EmbeddedReader reader(log, kOut);
    std::size_t count = 0;
    do {
      while (reader.read(1ms)) ++count;
    } while (!reader.at_end());
    return count;
  }

 private:
  TemporaryDirectory temporary_;
  const std::string directory_ = temporary_.path() / "log";
};

TEST_F(Run, EndsInOrderOnASignalToTheProcess) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Process process([&](const Process::Say& say) {
      // A thread of the program's own, as libraries have them: it blocks no signal.
      std::thread([] {
        for (;;) ::pause();
      }).detach();
      const std::atomic<bool> held{false};
      Streams app(holding(held, say), config());
      tell_states(app, say);
      if (signal == SIGINT) return app.run();
      int code = 0;
      std::thread([&] { code = app.run(); }).join();  // main() has something else to do
      return code;
    });
    ASSERT_TRUE(process.wait_for('r'));
    process.signal(signal);
    EXPECT_EQ(process.ended(), "exit code 0");
    EXPECT_EQ(outputs(), 1u);
  }
}

TEST_F(Run, ASecondSignalWaitsForNothing) {
  Process process([&](const Process::Say& say) {
    std::atomic<bool> held{true};
    Streams app(holding(held, say), config());
    tell_states(app, say);
    const int code = app.run();
    held = false;  // the destructor waits for functions that run
    return code;
  });
  ASSERT_TRUE(process.wait_for('h'));
  process.signal(SIGTERM);
  ASSERT_TRUE(process.wait_for('c'));
  process.signal(SIGTERM);
  EXPECT_EQ(process.ended(), "exit code 1");
}

TEST_F(Run, LeavesSignalsAsTheyWere) {
  Process process([&](const Process::Say& say) {
    const std::atomic<bool> held{false};
    {
      Streams app(holding(held, say), config());
      app.on_state_change([&app](Streams::State now, Streams::State) {
        if (now == Streams::State::kRunning) app.close(0ms);
      });
      if (app.run() != 0) return 1;
    }
    struct sigaction now = {};
    sigaction(SIGTERM, nullptr, &now);
    return now.sa_handler == SIG_DFL ? 0 : 2;
  });
  EXPECT_EQ(process.ended(), "exit code 0");
}

}  // namespace
}  // namespace millrace
