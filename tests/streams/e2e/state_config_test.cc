// The configuration of state: each documented key has its effect, and every mistake is said at once.
#include <rocksdb/options.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "millrace/rocksdb_options.h"
#include "streams/e2e/application.h"
#include "streams/e2e/lone_process.h"

namespace millrace::e2e {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const Topic<Text, Text> kIn("in");
const Topic<Text, Number> kOut("out");

Topology counting(StoreKind kind = StoreKind::kPersistent) {
  StreamsBuilder builder;
  builder.stream(kIn)
      .group_by_key()
      .count("counts", {.store = kind})
      .to_stream()
      .drop_tombstones()
      .to(kOut);
  return builder.build();
}

StreamsConfig with(const StreamsConfig& config, const std::vector<const char*>& arguments) {
  std::vector<const char*> argv = {"program"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return config.with_arguments(static_cast<int>(argv.size()), argv.data());
}

template <class F>
std::string mistakes_of(F f) {
  try {
    f();
  } catch (const ConfigError& error) {
    return error.what();
  }
  ADD_FAILURE() << "no mistake was found";
  return "";
}

class StateConfig : public Application {
 protected:
  // Effect: counts one key more in an application of this configuration; returns its count.
  Number count_one(const Topology& topology, StreamsConfig config, EmbeddedLog& log,
                   Restores* restores = nullptr) {
    log.create_topic("in", 1);
    log.create_topic("out", 1);
    config.embedded_log = &log;
    Streams app(topology, config);
    if (restores) app.on_restore(*restores);
    app.start();
    EmbeddedWriter in(log, kIn);
    in.append("k", "v", Timestamp(Duration(++written_)));
    in.commit();
    EmbeddedReader out(log, kOut);
    Number last = 0;
    for (int i = 0; i < written_; ++i) {
      const auto record = out.read(kPatience);
      if (!record) {
        ADD_FAILURE() << heard_.all();
        return last;
      }
      last = record->value;
    }
    EXPECT_TRUE(app.close(kPatience)) << heard_.all();
    return last;
  }

  int written_ = 0;
};

TEST_F(StateConfig, StateDirSaysWhere) {
  const auto log = open_log();
  const fs::path elsewhere = scratch() / "elsewhere";
  const std::string argument = "--state.dir=" + elsewhere.string();
  EXPECT_EQ(count_one(counting(), with(config(*log), {argument.c_str()}), *log), 1);
  EXPECT_TRUE(fs::exists(elsewhere / "app" / "in-0" / "db"));
  EXPECT_FALSE(fs::exists(state_directory()));
  EXPECT_FALSE(fs::exists(log_directory() / "state"));
}

TEST_F(StateConfig, WithoutStateDirItLiesInTheLogsDirectory) {
  const auto log = open_log();
  EXPECT_EQ(count_one(counting(), with(config(*log), {"--state.dir="}), *log), 1);
  EXPECT_TRUE(fs::exists(log_directory() / "state" / "app" / "in-0" / "db"));
}

TEST_F(StateConfig, ARelativeStateDirIsThatOfTheWorkingDirectory) {
  const auto log = open_log();
  const fs::path before = fs::current_path();
  fs::current_path(scratch());
  EXPECT_EQ(count_one(counting(), with(config(*log), {"--state.dir=relative/state"}), *log), 1);
  fs::current_path(before);
  EXPECT_TRUE(fs::exists(scratch() / "relative" / "state" / "app" / "in-0" / "db"));
}

TEST_F(StateConfig, ADirectoryIsMadeForStoresOnDiskOnly) {
  const auto log = open_log();
  Restores restores;
  EXPECT_EQ(count_one(counting(StoreKind::kInMemory), config(*log), *log), 1);
  EXPECT_EQ(count_one(counting(StoreKind::kInMemory), config(*log), *log, &restores), 2);
  EXPECT_FALSE(fs::exists(state_directory()));
  EXPECT_EQ(restores.of("counts").records, 1) << "in memory alone it is read back whole";
}

// A store in memory and one on disk of the same name are the same store: its changelog is.
TEST_F(StateConfig, AStoreMayMoveFromMemoryToDiskAndBack) {
  const auto log = open_log();
  EXPECT_EQ(count_one(counting(StoreKind::kInMemory), config(*log), *log), 1);
  EXPECT_EQ(count_one(counting(StoreKind::kPersistent), config(*log), *log), 2);
  EXPECT_EQ(count_one(counting(StoreKind::kInMemory), config(*log), *log), 3);
  EXPECT_EQ(count_one(counting(StoreKind::kPersistent), config(*log), *log), 4);
}

TEST_F(StateConfig, TheRocksDbHookIsAskedForEachStore) {
  const auto log = open_log();
  StreamsConfig hooked = config(*log);
  std::mutex mutex;
  std::set<std::string> asked;
  hooked.rocksdb = [&](std::string_view store, rocksdb::ColumnFamilyOptions& options) {
    const std::lock_guard lock(mutex);
    asked.emplace(store);
    options.num_levels = 5;
  };
  EXPECT_EQ(count_one(counting(), hooked, *log), 1);
  EXPECT_EQ(asked, std::set<std::string>{"counts"});
}

TEST_F(StateConfig, AHookThatChangesWhatIsStoredStopsItsTaskAndIsNamed) {
  const auto log = open_log();
  log->create_topic("in", 1);
  log->create_topic("out", 1);
  StreamsConfig hooked = config(*log);
  hooked.rocksdb = [](std::string_view, rocksdb::ColumnFamilyOptions& options) {
    options.cf_paths.emplace_back("/somewhere/else", 1);
  };
  Streams app(counting(), hooked);
  app.start();
  EXPECT_THAT(heard_.wait_for("rocksdb hook"), AllOf(HasSubstr("paths"), HasSubstr("counts")));
  EXPECT_TRUE(app.close(kPatience));
  EXPECT_FALSE(fs::exists("/somewhere/else"));
}

// --- state.memory.bytes ----------------------------------------------------------------------------

// Each in a process of its own: what one held at most is not told of the next.
TEST_F(StateConfig, StateMemoryBytesBoundsWhatIsHeld) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer holds more than the program";
#endif
  constexpr int kKeys = 600'000;
  const auto megabytes_with = [&](const std::string& bytes) {
    LoneProcess process(scratch() / bytes / "log", scratch() / bytes / "state", kKeys,
                        {"keys=" + std::to_string(kKeys), "--state.memory.bytes=" + bytes,
                         "--property.embedded.sync=off"});
    EXPECT_EQ(process.end(), 0) << process.said();
    return process.megabytes();
  };
  const int least = megabytes_with("67108864");
  const int plenty = megabytes_with("2000000000");
  EXPECT_GT(plenty, 100);
  EXPECT_LT(least, plenty - 40) << "some entries are on disk alone";
}

// --- mistakes --------------------------------------------------------------------------------------

TEST(StateConfigMistakes, UnknownKeysAreTakenForTheNearestOne) {
  const auto wrong = [](const char* argument) {
    return mistakes_of([&] { (void)with({}, {argument}); });
  };
  EXPECT_THAT(wrong("--state.dri=/x"), HasSubstr("did you mean state.dir?"));
  EXPECT_THAT(wrong("--state.memory.byte=1"), HasSubstr("did you mean state.memory.bytes?"));
  EXPECT_THAT(wrong("--state_dir=/x"), HasSubstr("did you mean state.dir?"));
  EXPECT_THAT(wrong("--num.stream.thread=1"), HasSubstr("did you mean num.stream.threads?"));
}

TEST(StateConfigMistakes, OfTheCommandLineAreSaidAllAtOnceAndNeverTheirValues) {
  const std::string mistakes = mistakes_of([] {
    (void)with({}, {"--state.dri=SECRET", "--state.memory.bytes=SECRET", "state.dir",
                    "--commit.interval.ms=1s", "--state.memory.bytes=64MB"});
  });
  EXPECT_THAT(mistakes, AllOf(HasSubstr("state.dri"), HasSubstr("not understood: state.dir"),
                              HasSubstr("commit.interval.ms needs a whole number"),
                              Not(HasSubstr("SECRET")), Not(HasSubstr("64MB"))));
  EXPECT_EQ(std::count(mistakes.begin(), mistakes.end(), '\n'), 4) << mistakes;
}

TEST(StateConfigMistakes, OfTheWholeAreSaidAllAtOnce) {
  const auto of_memory = [](std::int64_t bytes) {
    return mistakes_of([&] {
      const StreamsConfig config{.commit_interval = 0ms,
                                 .buffered_records_per_partition = 0,
                                 .num_stream_threads = 0,
                                 .state_memory_bytes = bytes};
      config.validate();
    });
  };
  for (const std::int64_t bytes : {std::int64_t{1}, std::int64_t{-1}, std::int64_t{67'108'863}}) {
    EXPECT_THAT(of_memory(bytes),
                AllOf(HasSubstr("application.id must be given"), HasSubstr("bootstrap.servers"),
                      HasSubstr("commit.interval.ms"), HasSubstr("buffered.records.per.partition"),
                      HasSubstr("num.stream.threads"),
                      HasSubstr("state.memory.bytes must be at least 67108864 (64 MiB)")));
  }
  EXPECT_THAT(of_memory(67'108'864), Not(HasSubstr("state.memory.bytes")));
  EXPECT_THAT(of_memory(0), Not(HasSubstr("state.memory.bytes")));
}

}  // namespace
}  // namespace millrace::e2e
