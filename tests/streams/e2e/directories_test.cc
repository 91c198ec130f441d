// Directories that are not as they should be: somebody else's files in them, damaged ones, a second
// process, missing rights, strange paths. One clear message, and nothing is touched.
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "streams/e2e/application.h"
#include "streams/e2e/lone_process.h"

namespace millrace::e2e {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr int kNobody = 65534;

const Topic<Text, Text> kIn("in");
const Topic<Text, Number> kOut("out");

Topology counting() {
  StreamsBuilder builder;
  builder.stream(kIn).group_by_key().count("counts").to_stream().drop_tombstones().to(kOut);
  return builder.build();
}

void write_file(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

std::string read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Every file below it, with what is in it.
std::map<std::string, std::string> contents(const fs::path& directory) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) all[entry.path()] = read_file(entry.path());
  }
  return all;
}

template <class F>
std::string refusal_of(F f) {
  try {
    f();
  } catch (const StoppedError& error) {
    return error.what();
  }
  ADD_FAILURE() << "it was not refused";
  return "";
}

class Directories : public Application {
 protected:
  // Effect: one record more, in an application that is closed in order. Returns its count.
  Number count_one() { return count_one(log_directory(), state_directory()); }
  Number count_one(const fs::path& log_at, const fs::path& state_at) {
    EmbeddedLog log(log_at, {}, &heard_);
    log.create_topic("in", 1);
    log.create_topic("out", 1);
    StreamsConfig wanted = config(log);
    wanted.state_dir = state_at;
    Streams app(counting(), wanted);
    app.start();
    EmbeddedWriter in(log, kIn);
    in.append("k", "v", Timestamp(1ms));
    in.commit();
    EmbeddedReader out(log, kOut);
    Number last = 0;
    const std::size_t before = read_all(log, kIn).size();
    for (std::size_t i = 0; i < before; ++i) {
      const auto count = out.read(kPatience);
      if (!count) {
        ADD_FAILURE() << heard_.all();
        return -1;
      }
      last = count->value;
    }
    EXPECT_TRUE(app.close(kPatience)) << heard_.all();
    return last;
  }

  std::string log_refused() {
    return refusal_of([&] { (void)open_log(); });
  }

  fs::path application() const { return state_directory() / "app"; }
};

// --- somebody else's files -------------------------------------------------------------------------

TEST_F(Directories, ALogIsNotBegunAmongOtherFiles) {
  fs::create_directory(log_directory());
  write_file(log_directory() / "accounts.db", "x");
  EXPECT_THAT(log_refused(), AllOf(HasSubstr("is no journal and not empty"),
                                   HasSubstr("accounts.db"), HasSubstr("another directory")));
  EXPECT_EQ(contents(log_directory()).size(), 1u);
}

TEST_F(Directories, OtherFilesBesideALogAndStateAreLeftAlone) {
  EXPECT_EQ(count_one(), 1);
  const std::vector<fs::path> others = {
      log_directory() / "notes.txt", log_directory() / ".hidden", application() / "notes.txt",
      application() / "in-0" / "notes.txt", application() / "in-0" / "db" / "notes.txt"};
  for (const fs::path& other : others) write_file(other, "mine");
  fs::create_directory(log_directory() / "backup");
  EXPECT_EQ(count_one(), 2);
  EXPECT_EQ(count_one(), 3);
  for (const fs::path& other : others) EXPECT_EQ(read_file(other), "mine") << other;
  EXPECT_TRUE(fs::is_directory(log_directory() / "backup"));
}

TEST_F(Directories, AForeignFileThatLooksLikeASegmentIsNamedAndLeftAlone) {
  EXPECT_EQ(count_one(), 1);
  const fs::path foreign = log_directory() / "0000000077.segment";
  write_file(foreign, std::string(5000, 'x'));
  const auto before = contents(log_directory());
  EXPECT_THAT(log_refused(), HasSubstr(foreign.string()));
  auto after = contents(log_directory());
  after[log_directory() / "lock"] = before.at(log_directory() / "lock");
  EXPECT_EQ(after, before);
  fs::remove(foreign);
  EXPECT_EQ(count_one(), 2);
}

TEST_F(Directories, ADamagedLogIsRefusedWithTheFile) {
  EXPECT_EQ(count_one(), 1);
  const fs::path segment = log_directory() / "0000000001.segment";
  const std::string whole = read_file(segment);
  std::string damaged = whole;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
  write_file(segment, damaged);
  EXPECT_THAT(log_refused(), HasSubstr(segment.string()));
  EXPECT_EQ(read_file(segment), damaged) << "nothing is cut off or mended";
  write_file(segment, whole);
  EXPECT_EQ(count_one(), 2);
}

TEST_F(Directories, StateThatIsDamagedIsKeptAsideAndRestored) {
  EXPECT_EQ(count_one(), 1);
  write_file(application() / "in-0" / "db" / "CURRENT", "nonsense\n");
  heard_.forget();
  EXPECT_EQ(count_one(), 2);
  const std::string aside = (application() / "in-0.bad-").string();
  EXPECT_THAT(heard_.all(), AllOf(HasSubstr((application() / "in-0").string() + " is damaged"),
                                  HasSubstr("moved to " + aside), HasSubstr("Nothing is lost"),
                                  HasSubstr("restored from their changelogs")));
  int kept = 0;
  for (const auto& entry : fs::directory_iterator(application())) {
    if (!entry.path().string().starts_with(aside)) continue;
    ++kept;
    EXPECT_EQ(read_file(entry.path() / "db" / "CURRENT"), "nonsense\n");
  }
  EXPECT_EQ(kept, 1);
  EXPECT_EQ(count_one(), 3);
}

TEST_F(Directories, AFileInPlaceOfADirectoryIsNamed) {
  write_file(log_directory(), "x");
  EXPECT_THAT(log_refused(), HasSubstr(log_directory().string()));
  fs::remove(log_directory());

  const auto log = open_log();
  log->create_topic("in", 1);
  log->create_topic("out", 1);
  const auto start_refused = [&] {
    return refusal_of([&] { Streams(counting(), config(*log)).start(); });
  };
  write_file(state_directory(), "x");
  EXPECT_THAT(start_refused(), HasSubstr(state_directory().string()));
  fs::remove(state_directory());
  fs::create_directories(application().parent_path());
  write_file(application(), "x");
  EXPECT_THAT(start_refused(), AllOf(HasSubstr(application().string()),
                                     HasSubstr("not a directory"), HasSubstr("state.dir")));
  fs::remove(application());
  ASSERT_EQ(::mkdir(application().c_str(), 0700), 0);
  fs::create_directory(application() / ".lock");
  EXPECT_THAT(start_refused(), AllOf(HasSubstr(application().string()), HasSubstr("state.dir")));
  fs::remove(application() / ".lock");
  write_file(application() / "in-0", "x");
  Streams app(counting(), config(*log));
  app.start();
  EXPECT_THAT(heard_.wait_for("backs off"), HasSubstr((application() / "in-0").string()));
  EXPECT_TRUE(app.close(kPatience));
  EXPECT_EQ(read_file(application() / "in-0"), "x");
}

// --- a second process ------------------------------------------------------------------------------

TEST_F(Directories, ASecondProcessIsToldWhoHasThemAlsoBehindALink) {
  LoneProcess first(log_directory(), state_directory(), 10, {"hold=1"});
  ASSERT_TRUE(first.hear("ready")) << first.said();
  const std::string pid = "pid " + std::to_string(first.pid()) + " since 20";
  fs::create_directory_symlink(log_directory(), scratch() / "link to log");
  fs::create_directory_symlink(state_directory(), scratch() / "link to state");
  for (const fs::path& log : {log_directory(), scratch() / "link to log"}) {
    EXPECT_THAT(refusal_of([&] { EmbeddedLog(log, {}, &heard_); }), HasSubstr(pid));
    LoneProcess second(log, scratch() / "elsewhere", 10);
    EXPECT_EQ(second.end(), LoneProcess::kRefused);
    EXPECT_THAT(second.said(), HasSubstr(pid));
  }
  for (const fs::path& state : {state_directory(), scratch() / "link to state"}) {
    LoneProcess second(scratch() / "another log", state, 10);
    EXPECT_EQ(second.end(), LoneProcess::kRefused);
    EXPECT_THAT(second.said(), AllOf(HasSubstr("in use by " + pid), HasSubstr("state.dir")));
  }
  EXPECT_EQ(first.end(), 0) << first.said();
  LoneProcess next(log_directory(), state_directory(), 10);
  EXPECT_EQ(next.end(), 0) << next.said();
}

// --- rights ----------------------------------------------------------------------------------------

// As somebody who has no rights but those that are given: root has all.
class Rights : public Directories {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody with fewer rights";
    ::chmod(scratch().c_str(), 0755);
    for (const fs::path& directory : {log_directory(), state_directory()}) {
      fs::create_directory(directory);
      give(directory, 0700);
    }
  }
  static void give(const fs::path& path, mode_t mode) {
    EXPECT_EQ(::chown(path.c_str(), kNobody, static_cast<gid_t>(kNobody)), 0);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
  }
  struct Ended {
    int code;
    std::string said;
  };
  Ended run(int records, std::vector<std::string> options = {}) {
    options.push_back("user=" + std::to_string(kNobody));
    LoneProcess process(log_directory(), state_directory(), records, options);
    const int code = process.end();
    return {code, process.said()};
  }
  void expect_refused(const std::string& what) {
    const Ended ended = run(1);
    EXPECT_EQ(ended.code, LoneProcess::kRefused) << ended.said;
    EXPECT_THAT(ended.said, HasSubstr(what));
  }
  void expect_well() {
    const Ended ended = run(10);
    EXPECT_EQ(ended.code, 0) << ended.said;
  }
  fs::path lone() const { return state_directory() / "lone"; }
};

TEST_F(Rights, ALogThatCannotBeReadOrWrittenIsRefused) {
  expect_well();
  const fs::path segment = log_directory() / "0000000001.segment";
  for (const mode_t mode : {0300, 0000}) {
    give(log_directory(), mode);
    expect_refused(log_directory().string());
  }
  give(log_directory(), 0700);
  for (const mode_t mode : {0400, 0200, 0000}) {
    give(segment, mode);
    expect_refused(segment.string() + ": Permission denied");
  }
  give(segment, 0600);
  expect_well();
}

TEST_F(Rights, ALogCannotBeBegunInADirectoryThatIsReadOnly) {
  give(log_directory(), 0500);
  expect_refused(log_directory().string());
  EXPECT_TRUE(fs::is_empty(log_directory()));
}

TEST_F(Rights, AStateDirectoryThatCannotBeReadOrWrittenIsRefused) {
  give(state_directory(), 0500);
  expect_refused("state directory " + lone().string() + " cannot be made: Permission denied");
  give(state_directory(), 0700);
  expect_well();
  give(lone(), 0000);
  expect_refused("state directory " + lone().string() + " cannot be written to: Permission denied");
  give(lone(), 0700);
  expect_well();
}

TEST_F(Rights, AStateDirectoryOfSomebodyElseOrOpenToAllIsRefused) {
  expect_well();
  give(lone(), 0777);
  expect_refused("can be written to by other users (chmod 700 mends that)");
  give(lone(), 0770);
  expect_refused("can be written to by other users");
  // What others can only read is closed to them.
  give(lone(), 0755);
  expect_well();
  struct stat now {};
  ::stat(lone().c_str(), &now);
  EXPECT_EQ(now.st_mode & 0777, 0700u);
  ASSERT_EQ(::chown(lone().c_str(), 0, 0), 0);
  ::chmod(lone().c_str(), 0755);
  expect_refused("belongs to user 0, and this process runs as " + std::to_string(kNobody));
  give(lone(), 0700);
  expect_well();
}

TEST_F(Rights, FilesOfATaskThatCannotBeReadSuspendItAndAreNamed) {
  expect_well();
  const fs::path current = lone() / "in-0" / "db" / "CURRENT";
  give(current, 0000);
  const Ended ended = run(1);
  EXPECT_EQ(ended.code, LoneProcess::kFailed) << ended.said;
  EXPECT_THAT(ended.said, AllOf(HasSubstr("backs off"), HasSubstr((lone() / "in-0").string()),
                                HasSubstr("Permission denied"), HasSubstr("Nothing was changed")));
  give(current, 0600);
  expect_well();
}

TEST_F(Rights, ALogThatBecomesReadOnlyStopsTheApplicationAndLosesNothing) {
  {
    LoneProcess process(log_directory(), state_directory(), 100,
                        {"user=" + std::to_string(kNobody), "hold=1", "more=10000", "value=300",
                         "--property.embedded.segment.bytes=1048576"});
    ASSERT_TRUE(process.hear("ready")) << process.said();
    give(log_directory(), 0500);
    EXPECT_EQ(process.end(), LoneProcess::kRefused);
    EXPECT_THAT(process.said(),
                AllOf(HasSubstr("has stopped"), HasSubstr("Permission denied"),
                      HasSubstr("all before it is kept in " + log_directory().string())));
  }
  give(log_directory(), 0700);
  expect_well();
}

TEST_F(Rights, StateThatBecomesReadOnlyLosesNothing) {
  constexpr const char* kKeys = "keys=150000";
  {
    LoneProcess process(log_directory(), state_directory(), 100,
                        {"user=" + std::to_string(kNobody), "hold=1", "more=150000", kKeys,
                         "--property.embedded.sync=off", "--state.memory.bytes=67108864"});
    ASSERT_TRUE(process.hear("ready")) << process.said();
    give(lone() / "in-0" / "db", 0500);
    give(lone() / "in-0" / "ingest", 0500);
    (void)process.end();
    EXPECT_THAT(process.said(), AllOf(HasSubstr("Permission denied"), HasSubstr("othing is lost")));
  }
  give(lone() / "in-0" / "db", 0700);
  give(lone() / "in-0" / "ingest", 0700);
  expect_well();
}

// --- paths -----------------------------------------------------------------------------------------

TEST_F(Directories, PathsMayHaveBlanksAndAnyLetters) {
  const fs::path strange = scratch() / "a b\t'\"$%\n" / "données-Ω-数据";
  EXPECT_EQ(count_one(strange / "log", strange / "state"), 1);
  EXPECT_EQ(count_one(strange / "log", strange / "state"), 2);
  EXPECT_TRUE(fs::exists(strange / "state" / "app" / "in-0" / "db" / "CURRENT"));
}

TEST_F(Directories, PathsThatAreTooLongAreRefused) {
  const fs::path name = scratch() / std::string(300, 'n');
  fs::path deep = scratch();
  for (int i = 0; i < 30; ++i) deep /= std::string(200, 'd');
  const auto log = open_log();
  log->create_topic("in", 1);
  log->create_topic("out", 1);
  for (const fs::path& path : {name, deep}) {
    EXPECT_THAT(refusal_of([&] { EmbeddedLog(path, {}, &heard_); }),
                HasSubstr("File name too long"));
    StreamsConfig wanted = config(*log);
    wanted.state_dir = path;
    EXPECT_THAT(refusal_of([&] { Streams(counting(), wanted).start(); }),
                AllOf(HasSubstr("File name too long"), HasSubstr("state.dir")));
  }
}

}  // namespace
}  // namespace millrace::e2e
