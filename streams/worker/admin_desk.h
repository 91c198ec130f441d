// Questions to the log's admin, each with what is to be done with its answer. Asks again what the
// log could not answer now (no broker, an offset that an open transaction holds back), so that
// whoever asks deals with answers only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/log.h"
#include "millrace/clock.h"
#include "millrace/logging.h"

namespace millrace::worker {

// Not thread-safe: belongs to one worker.
class AdminDesk {
 public:
  // `patience`: how long the log may say "not now" to one question before that is a failure. An answer
  // that is not final yet (an unstable offset) begins it anew.
  AdminDesk(log::Log& log, log::Inbox& inbox, const Clock& clock, Logger& logger,
            Duration patience);

  // Effect: from now on "not now" is never a failure; the logger hears of it once a minute.
  void wait_without_limit() { patience_.reset(); }

  // Effect: `then` is called with the answer, from within handle(); never after forget().
  void describe_topics(std::vector<std::string> topics,
                       std::function<void(const log::TopicsDescribed&)> then);
  void create_topics(std::vector<log::NewTopic> topics, std::function<void()> then);
  // Answers once all offsets are stable.
  void committed_offsets(std::string group, std::vector<TopicPartition> partitions,
                         std::function<void(const log::OffsetsCommitted&)> then);
  void list_offsets(log::OffsetKind kind, std::vector<TopicPartition> partitions,
                    std::function<void(const log::OffsetsListed&)> then);
  // Nobody waits for the answer, and a refusal is not a failure.
  void delete_records(std::vector<log::DeleteBelow> below);

  // Effect: answers still to come are dropped.
  void forget() { questions_.clear(); }

  // Effect: takes in an event of the admin's. Returns false if it is somebody else's.
  bool handle(const log::Event& event);

  // Effect: asks again what is due. Returns whether anything was asked.
  bool pump();
  std::optional<Duration> next_timer() const;

  // The first question that failed for good, in words.
  const std::optional<std::string>& failure() const { return failure_; }

 private:
  struct Question {
    std::function<void(log::OperationId)> ask;
    std::function<bool(const log::Event&)> answer;  // false: ask again
    bool may_fail = false;
    Duration asked_first{};
    std::optional<Duration> ask_again_at;
  };
  void ask(Question question);
  void warn(const std::string& why);

  const Clock& clock_;
  Logger& logger_;
  std::optional<Duration> patience_;  // nullopt: no limit
  std::optional<Duration> warned_at_;
  std::unique_ptr<log::LogAdmin> admin_;
  std::map<log::OperationId, Question> questions_;
  std::int64_t operations_ = 0;
  std::optional<std::string> failure_;
};

}  // namespace millrace::worker
