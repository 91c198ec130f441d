// What a worker finds wrong before it reads anything: one message each, and nothing is touched.
#include <gmock/gmock.h>

#include "streams/worker/bench.h"

namespace millrace::worker {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using WorkerStartup = Bench;

TEST_F(WorkerStartup, UnknownTopicsAreNamedAllAtOnce) {
  Worker& worker = start(joining(), options());
  EXPECT_THAT(failure_of(worker), AllOf(HasSubstr("in"), HasSubstr("rows"), HasSubstr("out")));
  EXPECT_TRUE(log.topics().empty());
}

TEST_F(WorkerStartup, PartitionCountsThatMustBeEqual) {
  create("in", 2);
  create("rows", 3);
  create("out");
  Worker& worker = start(joining(), options());
  EXPECT_THAT(failure_of(worker), AllOf(HasSubstr("join"), HasSubstr("in"), HasSubstr("rows"),
                                        HasSubstr("2"), HasSubstr("3")));
  EXPECT_EQ(log.topics().size(), 3u) << "no internal topic was made";
}

TEST_F(WorkerStartup, AnInternalTopicOfAnotherShape) {
  create_topics(2);
  create("app-n-changelog", 3);
  Worker& worker = start(counting(), options());
  EXPECT_THAT(failure_of(worker),
              AllOf(HasSubstr("app-n-changelog"), HasSubstr("3 partitions"), HasSubstr("needs 2")));
}

TEST_F(WorkerStartup, InternalTopicsThatFitAreUsed) {
  create_topics(2);
  create("app-n-changelog", 2);
  start(counting(), options());
  put("a");
  settle();
  EXPECT_EQ(values(), "1");
}

TEST_F(WorkerStartup, InternalTopicsAreMadeAsTheTopologyNeedsThem) {
  create("in", 3);
  create("out");
  start(counting_values(), options());
  settle();
  EXPECT_EQ(log.partitions("app-by-value-repartition"), 3);
  EXPECT_EQ(log.partitions("app-n-changelog"), 3);
}

// --- offsets -------------------------------------------------------------------------------------

TEST_F(WorkerStartup, EarliestReadsWhatIsThere) {
  create_topics();
  put("a");
  start(copying(), options());
  settle();
  EXPECT_EQ(values(), "a");
}

TEST_F(WorkerStartup, LatestReadsWhatComes) {
  create_topics();
  put("a");
  WorkerOptions wanted = options();
  wanted.offset_reset = OffsetReset::kLatest;
  start(copying(), wanted);
  settle();
  put("b");
  settle();
  EXPECT_EQ(values(), "b");
  EXPECT_EQ(committed().offset, Offset(2));
}

TEST_F(WorkerStartup, NoneStopsWhereNothingWasCommitted) {
  create_topics();
  WorkerOptions wanted = options();
  wanted.offset_reset = OffsetReset::kNone;
  Worker& worker = start(copying(), wanted);
  EXPECT_THAT(failure_of(worker),
              AllOf(HasSubstr("group app"), HasSubstr("in-0"), HasSubstr("auto.offset.reset")));
}

TEST_F(WorkerStartup, NoneGoesOnFromCommittedOffsets) {
  create_topics();
  put("a");
  Worker& first = start(copying(), options());
  settle();
  kill(first);
  WorkerOptions wanted = options();
  wanted.offset_reset = OffsetReset::kNone;
  start(copying(), wanted);
  put("b");
  settle();
  EXPECT_EQ(values(), "a b");
}

TEST_F(WorkerStartup, TheResetIsForPartitionsWithoutAnOffsetOnly) {
  create("in", 1);
  create("rows", 1);
  create("out", 1);
  WorkerOptions wanted = options();
  wanted.offset_reset = OffsetReset::kLatest;
  Worker& first = start(joining(), wanted);
  settle();
  put("r1", "k", 0, 1, "rows");
  put("a", "k", 0, 2);
  settle();
  kill(first);
  put("r2", "k", 0, 3, "rows");
  put("b", "k", 0, 4);
  start(joining(), wanted);
  settle();
  EXPECT_EQ(values(), "ar1 br2");
}

// --- the log -------------------------------------------------------------------------------------

// Everything that is asked of its admin is answered with kRetry.
class AwayLog final : public log::Log {
 public:
  explicit AwayLog(log::Log& behind) : behind_(behind) {}
  bool away = true;

  std::unique_ptr<log::LogProducer> make_producer(log::ProducerOptions options,
                                                  log::Inbox& inbox) override {
    return behind_.make_producer(std::move(options), inbox);
  }
  std::unique_ptr<log::LogReader> make_reader(log::ReaderOptions options,
                                              log::Inbox& inbox) override {
    return behind_.make_reader(options, inbox);
  }
  std::unique_ptr<log::GroupMembership> make_membership(log::MembershipOptions options,
                                                        log::Inbox& inbox) override {
    return behind_.make_membership(std::move(options), inbox);
  }
  std::unique_ptr<log::LogAdmin> make_admin(log::Inbox& inbox) override {
    return std::make_unique<Admin>(*this, behind_.make_admin(inbox), inbox);
  }

 private:
  class Admin final : public log::LogAdmin {
   public:
    Admin(AwayLog& log, std::unique_ptr<log::LogAdmin> behind, log::Inbox& inbox)
        : log_(log), behind_(std::move(behind)), inbox_(inbox) {}
    log::Epoch epoch() const override { return behind_->epoch(); }
    void submit_describe_topics(log::OperationId id, std::vector<std::string> topics) override {
      if (!refused(id)) behind_->submit_describe_topics(id, std::move(topics));
    }
    void submit_create_topics(log::OperationId id, std::vector<log::NewTopic> topics) override {
      if (!refused(id)) behind_->submit_create_topics(id, std::move(topics));
    }
    void submit_delete_topics(log::OperationId id, std::vector<std::string> topics) override {
      if (!refused(id)) behind_->submit_delete_topics(id, std::move(topics));
    }
    void submit_committed_offsets(log::OperationId id, std::string group,
                                  std::vector<TopicPartition> partitions) override {
      if (!refused(id))
        behind_->submit_committed_offsets(id, std::move(group), std::move(partitions));
    }
    void submit_list_offsets(log::OperationId id, log::OffsetKind kind,
                             std::vector<TopicPartition> partitions) override {
      if (!refused(id)) behind_->submit_list_offsets(id, kind, std::move(partitions));
    }
    void submit_delete_records(log::OperationId id, std::vector<log::DeleteBelow> below) override {
      if (!refused(id)) behind_->submit_delete_records(id, std::move(below));
    }

   private:
    bool refused(log::OperationId id) {
      if (log_.away) inbox_.push({epoch(), id, Status::retry("no broker at localhost:1"), {}});
      return log_.away;
    }
    AwayLog& log_;
    std::unique_ptr<log::LogAdmin> behind_;
    log::Inbox& inbox_;
  };

  log::Log& behind_;
};

TEST_F(WorkerStartup, ALogThatCannotBeReachedStopsWhenPatienceEnds) {
  create_topics();
  AwayLog away(log);
  const Topology topology = copying();
  WorkerOptions wanted = options();
  wanted.admin_patience = Duration(2'000);
  workers.push_back(std::make_unique<Worker>(topology.graph(), wanted, away, clock, logger));
  const Duration began = clock.monotonic();
  EXPECT_THAT(failure_of(*workers[0]), HasSubstr("no broker at localhost:1"));
  EXPECT_GE(clock.monotonic() - began, Duration(2'000));
  EXPECT_LE(clock.monotonic() - began, Duration(2'500));
  workers.clear();
}

TEST_F(WorkerStartup, ALogThatGoesAwayFromAMemberIsWaitedFor) {
  create_topics();
  put("a");
  AwayLog away(log);
  away.away = false;
  const Topology topology = copying();
  WorkerOptions wanted = options();
  wanted.admin_patience = Duration(2'000);
  workers.push_back(std::make_unique<Worker>(topology.graph(), wanted, away, clock, logger));
  run_until([&] { return workers[0]->took_over(); });
  away.away = true;  // the offsets to begin from are still to be asked for
  const Duration began = clock.monotonic();
  run_until(
      [&] { return workers[0]->finished() || clock.monotonic() - began > Duration(600'000); });
  EXPECT_EQ(workers[0]->failure(), "");
  EXPECT_EQ(values(), "");
  away.away = false;
  settle();
  EXPECT_EQ(values(), "a");
  workers.clear();
}

TEST_F(WorkerStartup, ALogThatComesBackInTimeIsUsed) {
  create_topics();
  put("a");
  AwayLog away(log);
  const Topology topology = copying();
  workers.push_back(std::make_unique<Worker>(topology.graph(), options(), away, clock, logger));
  for (int i = 0; i < 20; ++i) {
    rest();
    ASSERT_TRUE(wait());
  }
  EXPECT_FALSE(workers[0]->finished());
  away.away = false;
  settle();
  EXPECT_EQ(values(), "a");
  workers.clear();
}

}  // namespace
}  // namespace millrace::worker
