// An application in a process of its own, for what a test cannot do to itself: another user, limits, a
// file system of a few megabytes, a second process.
//
//   lone_application LOG STATE RECORDS [user=ID] [file_limit=BYTES] [tmpfs=BYTES:DIRECTORY] [ballast=BYTES:FILE]
//                    [value=BYTES] [keys=N] [hold=1] [more=N] [--key=value ...]
//
// Puts RECORDS records into LOG, counts them by key with state in STATE, and checks the counts.
//   ballast   a file that takes room; removed as soon as something is said to be full
//   hold      tells "ready" when all are counted, and waits for the end of its input before it closes
//   more      so many records more after that
// Standard output: what the library says, then "exact, N MB at most". Exit: 0, 2: refused, 3: it failed or
// its results are not there, 77: this machine does not let it.
#include <fcntl.h>
#include <millrace/clock.h>
#include <millrace/dsl.h>
#include <millrace/embedded_log.h>
#include <millrace/streams.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace millrace;
using namespace std::chrono_literals;

constexpr int kNotPossible = 77;
constexpr Duration kPatience = 40s;

const Topic<std::string, std::string> kIn("in");
const Topic<std::string, std::int64_t> kOut("out");

// Says everything, and makes room once it is said that there is none.
class Speaker final : public Logger {
 public:
  explicit Speaker(std::string ballast) : ballast_(std::move(ballast)) {}
  void write(LogLevel level, std::string_view message) override {
    std::printf("%s %.*s\n", std::string(to_string(level)).c_str(),
                static_cast<int>(message.size()), message.data());
    std::fflush(stdout);
    const bool full = message.find("room") != std::string_view::npos ||
                      message.find("o space") != std::string_view::npos;
    if (level == LogLevel::kError && ballast_.empty()) failed_ = true;
    if (full && !ballast_.empty() && !full_.exchange(true)) ::unlink(ballast_.c_str());
  }

  // Whether there is anything to wait for.
  bool failed() const { return failed_; }

 private:
  const std::string ballast_;
  std::atomic<bool> failed_{false};
  std::atomic<bool> full_{false};
};

struct Wanted {
  std::string log;
  std::string state;
  std::int64_t records = 0;
  std::map<std::string, std::string> options = {};
  std::vector<const char*> arguments = {"lone_application"};

  std::int64_t number(const std::string& name, std::int64_t otherwise) const {
    const auto found = options.find(name);
    return found == options.end() ? otherwise : std::atoll(found->second.c_str());
  }
  // BYTES:PATH
  std::optional<std::pair<std::string, std::string>> sized(const std::string& name) const {
    const auto found = options.find(name);
    if (found == options.end()) return std::nullopt;
    const auto colon = found->second.find(':');
    return std::pair{found->second.substr(0, colon), found->second.substr(colon + 1)};
  }
};

Wanted parse(int argc, char** argv) {
  Wanted wanted{.log = argv[1], .state = argv[2], .records = std::atoll(argv[3])};
  for (int i = 4; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--")) {
      wanted.arguments.push_back(argv[i]);
    } else {
      const auto equals = argument.find('=');
      wanted.options.emplace(argument.substr(0, equals), argument.substr(equals + 1));
    }
  }
  return wanted;
}

void not_possible(const char* what) {
  std::perror(what);
  std::exit(kNotPossible);
}

// Effect: the machine is as the caller wants it, for this process alone.
void arrange(const Wanted& wanted) {
  if (const auto disk = wanted.sized("tmpfs")) {
    if (::unshare(CLONE_NEWNS) != 0) not_possible("unshare");
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) not_possible("mount");
    const std::string size = "size=" + disk->first + ",mode=0700";
    if (::mount("tmpfs", disk->second.c_str(), "tmpfs", 0, size.c_str()) != 0) {
      not_possible("mount");
    }
  }
  if (const auto ballast = wanted.sized("ballast")) {
    const int file = ::open(ballast->second.c_str(), O_CREAT | O_WRONLY, 0600);
    if (file < 0 || ::posix_fallocate(file, 0, std::atoll(ballast->first.c_str())) != 0) {
      not_possible("ballast");
    }
    ::close(file);
  }
  if (const auto bytes = wanted.number("file_limit", 0)) {
    const rlimit limit{static_cast<rlim_t>(bytes), static_cast<rlim_t>(bytes)};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::signal(SIGXFSZ, SIG_IGN);
  }
  if (const auto user = static_cast<uid_t>(wanted.number("user", 0))) {
    if (::setgid(user) != 0 || ::setuid(user) != 0) not_possible("setuid");
    ::prctl(PR_SET_DUMPABLE, 1);  // a sanitizer looks at it from outside
  }
}

Topology counting() {
  StreamsBuilder builder;
  builder.stream(kIn).group_by_key().count("counts").to_stream().drop_tombstones().to(kOut);
  return builder.build();
}

// Whether each key's counts are 1, 2, 3, …, and as many as there are records.
bool exact(EmbeddedLog& log) {
  std::map<std::string, std::int64_t> in;
  EmbeddedReader records(log, kIn);
  while (!records.at_end()) {
    if (const auto record = records.read(10ms)) ++in[record->key];
  }
  std::map<std::string, std::int64_t> out;
  EmbeddedReader counts(log, kOut);
  while (!counts.at_end()) {
    if (const auto count = counts.read(10ms); count && count->value != ++out[count->key])
      return false;
  }
  return in == out;
}

int run(const Wanted& wanted) {
  const auto ballast = wanted.sized("ballast");
  Speaker speaker(ballast ? ballast->second : "");
  StreamsConfig config{.application_id = "lone", .state_dir = wanted.state, .logger = &speaker};
  config =
      config.with_arguments(static_cast<int>(wanted.arguments.size()), wanted.arguments.data());
  EmbeddedLog log(wanted.log, config.properties, &speaker);
  config.properties.clear();
  config.embedded_log = &log;
  log.create_topic("in", 1);
  log.create_topic("out", 1);
  Streams app(counting(), config);
  app.start();

  EmbeddedReader counts(log, kOut);
  // What an earlier process has counted.
  while (!counts.at_end()) (void)counts.read(10ms);
  EmbeddedWriter in(log, kIn);
  const std::string value(static_cast<std::size_t>(wanted.number("value", 10)), 'v');
  const std::int64_t keys = wanted.number("keys", 100);
  const auto count = [&](std::int64_t records) {
    for (std::int64_t i = 0; i < records; ++i) {
      in.append("key " + std::to_string(i % keys), value, Timestamp(Duration(i)));
      if (i % 500 == 499 || i + 1 == records) in.commit();
    }
    const Duration until = SystemClock::instance().monotonic() + kPatience;
    for (std::int64_t counted = 0; counted < records && !speaker.failed();) {
      if (SystemClock::instance().monotonic() > until) return;
      if (counts.read(100ms)) ++counted;
    }
  };
  count(wanted.records);
  if (wanted.number("hold", 0) != 0) {
    std::printf("ready\n");
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
  }
  count(wanted.number("more", 0));
  const bool closed = app.close(kPatience);
  if (!app.failure().empty()) std::printf("failed: %s\n", app.failure().c_str());
  if (!closed) std::printf("not closed in time\n");
  if (!closed || !app.failure().empty()) return 3;
  const bool good = exact(log);
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  std::printf("%s, %ld MB at most\n", good ? "exact" : "not all are counted",
              used.ru_maxrss / 1024);
  return good ? 0 : 3;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4) return 1;
  const Wanted wanted = parse(argc, argv);
  arrange(wanted);
  return run(wanted);
} catch (const std::exception& e) {
  std::printf("refused: %s\n", e.what());
  return 2;
}
