// A topology that changed over state of an earlier one: what fits goes on, what does not fit is named with
// both values, what was kept and what to do; and the earlier topology finds its state as it left it.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "streams/e2e/application.h"

namespace millrace::e2e {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const Topic<Text, Text> kIn("in");
const Topic<Text, Text> kOther("other");
const Topic<Text, Text> kOut("out");

using Build = std::function<void(StreamsBuilder&)>;

Text as_text(Number n) { return std::to_string(n); }

void counts(StreamsBuilder& builder, const Topic<Text, Text>& in,
            KeyValueStoreName<Text, Number> store) {
  builder.stream(in)
      .group_by_key()
      .count(store)
      .to_stream()
      .drop_tombstones()
      .map_values(as_text)
      .to(kOut);
}

void plain(StreamsBuilder& builder) { counts(builder, kIn, "counts"); }

void windowed(StreamsBuilder& builder, Duration size, Duration retention) {
  builder.stream(kIn)
      .group_by_key()
      .windowed_by(TimeWindows{.size = size, .grace = 0ms})
      .count("counts", {.retention = retention})
      .to_stream()
      .drop_tombstones()
      .map([](const Windowed<Text>& window, Number n) {
        return KeyValue{window.key, as_text(n)};
      })
      .to(kOut);
}

class ChangedTopology : public Application {
 protected:
  void SetUp() override {
    log_ = open_log();
    for (const char* topic : {"in", "other", "out"}) log_->create_topic(topic, 1);
  }

  static Topology built(const Build& build) {
    StreamsBuilder builder;
    build(builder);
    return builder.build();
  }

  void put(const Topic<Text, Text>& topic) {
    EmbeddedWriter writer(*log_, topic);
    writer.append("k", "v", Timestamp(Duration(put_++)));
    writer.commit();
  }

  // Effect: one record into each of these topics, an application that takes them, closed in order.
  // Returns all values that ever came out.
  std::vector<Text> live(const Build& build, const std::vector<const Topic<Text, Text>*>& topics) {
    const std::size_t before = read_all(*log_, kOut).size();
    Streams app(built(build), config(*log_));
    app.start();
    for (const auto* topic : topics) put(*topic);
    EmbeddedReader out(*log_, kOut);
    await(out, before + topics.size());
    EXPECT_TRUE(app.close(kPatience)) << heard_.all();
    std::vector<Text> values;
    for (const auto& record : read_all(*log_, kOut)) values.push_back(record.value);
    return values;
  }

  // What is said of an application that cannot go on over what there is.
  std::string refused(const Build& build) {
    heard_.forget();
    Streams app(built(build), config(*log_));
    app.start();
    const std::string said = heard_.wait_for("is not the store of this topology");
    EXPECT_EQ(app.failure(), "") << "its task backs off, nothing more";
    EXPECT_TRUE(app.close(kPatience));
    return said;
  }

  fs::path task(const std::string& name) const { return state_directory() / "app" / name; }

  std::unique_ptr<EmbeddedLog> log_;
  int put_ = 0;
};

TEST_F(ChangedTopology, AStoreThatWasRenamedIsNewAndTheOldOneIsKeptAndNamed) {
  EXPECT_THAT(live(plain, {&kIn, &kIn}), ElementsAre("1", "2"));
  const Build renamed = [](StreamsBuilder& builder) { counts(builder, kIn, "numbers"); };
  heard_.forget();
  EXPECT_THAT(live(renamed, {&kIn}), ElementsAre("1", "2", "1"));
  EXPECT_THAT(heard_.all(), AllOf(HasSubstr("no more: counts"), HasSubstr("kept")));
  EXPECT_THAT(live(plain, {&kIn}), ElementsAre("1", "2", "1", "3"));
}

TEST_F(ChangedTopology, AnotherKindUnderTheSameNameIsRefusedWithBothValues) {
  EXPECT_THAT(live(plain, {&kIn, &kIn}), ElementsAre("1", "2"));
  const std::string said =
      refused([](StreamsBuilder& builder) { windowed(builder, 100ms, 1000ms); });
  EXPECT_THAT(said,
              AllOf(HasSubstr("store counts in " + task("in-0").string()), HasSubstr("kind is \""),
                    HasSubstr("on disk and \""), HasSubstr("All is kept as it was"),
                    HasSubstr("another name"), HasSubstr("elete")));
  EXPECT_THAT(live(plain, {&kIn}), ElementsAre("1", "2", "3"));
}

TEST_F(ChangedTopology, OtherWindowsAreRefusedWithEachDifference) {
  const Build before = [](StreamsBuilder& builder) { windowed(builder, 100ms, 1000ms); };
  EXPECT_THAT(live(before, {&kIn, &kIn}), ElementsAre("1", "2"));
  EXPECT_THAT(refused([](StreamsBuilder& builder) { windowed(builder, 200ms, 2000ms); }),
              AllOf(HasSubstr(R"(retention.ms is "1000" on disk and "2000" in the topology)"),
                    HasSubstr(R"(is "100" on disk and "200" in the topology)")));
  EXPECT_THAT(live(before, {&kIn}), ElementsAre("1", "2", "3"));
}

TEST_F(ChangedTopology, AnotherSerdeIsRefusedWithBothValues) {
  const auto last_of = [](auto name_of_type) {
    return [name_of_type](StreamsBuilder& builder) {
      using V = decltype(name_of_type);
      builder.stream(kIn)
          .group_by_key()
          .aggregate("last", V{}, [](const Text&, V v) { return v; })
          .to_stream()
          .drop_tombstones()
          .map_values([](const V&) { return Text("-"); })
          .to(kOut);
    };
  };
  EXPECT_THAT(live(last_of(Text()), {&kIn}), ElementsAre("-"));
  EXPECT_THAT(refused(last_of(Number{})),
              AllOf(HasSubstr("store last"), HasSubstr("value.serde is"),
                    HasSubstr("All is kept as it was")));
  EXPECT_THAT(live(last_of(Text()), {&kIn}), ElementsAre("-", "-"));
}

// A sub-topology's state is named after what it reads: no number shifts.
TEST_F(ChangedTopology, SubTopologiesComeAndGoAndTheOthersGoOn) {
  const Build both = [](StreamsBuilder& builder) {
    counts(builder, kIn, "counts");
    counts(builder, kOther, "others");
  };
  const Build other_first = [](StreamsBuilder& builder) {
    counts(builder, kOther, "others");
    counts(builder, kIn, "counts");
  };
  const Build other_alone = [](StreamsBuilder& builder) { counts(builder, kOther, "others"); };
  EXPECT_THAT(live(plain, {&kIn, &kIn}), ElementsAre("1", "2"));
  (void)live(both, {&kOther});
  EXPECT_EQ(live(both, {&kIn}).back(), "3");
  EXPECT_EQ(live(other_alone, {&kOther}).back(), "2");
  EXPECT_TRUE(fs::exists(task("in-0") / "db")) << "what nobody uses any more is kept";
  EXPECT_EQ(live(other_first, {&kIn}).back(), "4");
  EXPECT_EQ(live(both, {&kOther}).back(), "3");
}

TEST_F(ChangedTopology, AnInputOfAnotherNumberOfPartitionsStopsAndIsNamed) {
  EXPECT_THAT(live(plain, {&kIn}), ElementsAre("1"));
  log_->delete_topic("in");
  log_->create_topic("in", 3);
  Streams app(built(plain), config(*log_));
  app.start();
  wait_for(app, Streams::State::kFailed);
  EXPECT_THAT(app.failure(),
              AllOf(HasSubstr("app-counts-changelog"), HasSubstr("1"), HasSubstr("3")));
  EXPECT_TRUE(fs::exists(task("in-0") / "db"));
}

}  // namespace
}  // namespace millrace::e2e
