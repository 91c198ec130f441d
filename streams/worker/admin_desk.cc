#include "worker/admin_desk.h"

#include <algorithm>
#include <utility>

namespace millrace::worker {

namespace {
constexpr Duration kAskAgainAfter{5};           // pending offsets settle within milliseconds
constexpr Duration kAskAgainAfterRefusal{200};  // a broker that is away takes longer
constexpr Duration kWarnAgainAfter{60'000};
}  // namespace

AdminDesk::AdminDesk(log::Log& log, log::Inbox& inbox, const Clock& clock, Logger& logger,
                     Duration patience)
    : clock_(clock), logger_(logger), patience_(patience), admin_(log.make_admin(inbox)) {}

void AdminDesk::describe_topics(std::vector<std::string> topics,
                                std::function<void(const log::TopicsDescribed&)> then) {
  ask({[this, topics](log::OperationId id) { admin_->submit_describe_topics(id, topics); },
       [then](const log::Event& event) {
         then(std::get<log::TopicsDescribed>(event.what));
         return true;
       },
       false,
       {},
       {}});
}

void AdminDesk::create_topics(std::vector<log::NewTopic> topics, std::function<void()> then) {
  ask({[this, topics](log::OperationId id) { admin_->submit_create_topics(id, topics); },
       [then](const log::Event&) {
         then();
         return true;
       },
       false,
       {},
       {}});
}

void AdminDesk::committed_offsets(std::string group, std::vector<TopicPartition> partitions,
                                  std::function<void(const log::OffsetsCommitted&)> then) {
  ask({[this, group, partitions](log::OperationId id) {
         admin_->submit_committed_offsets(id, group, partitions);
       },
       [then](const log::Event& event) {
         const auto& committed = std::get<log::OffsetsCommitted>(event.what);
         const bool stable = std::all_of(committed.offsets.begin(), committed.offsets.end(),
                                         [](const auto& o) { return o.stable; });
         if (stable) then(committed);
         return stable;
       },
       false,
       {},
       {}});
}

void AdminDesk::list_offsets(log::OffsetKind kind, std::vector<TopicPartition> partitions,
                             std::function<void(const log::OffsetsListed&)> then) {
  ask({[this, kind, partitions](log::OperationId id) {
         admin_->submit_list_offsets(id, kind, partitions);
       },
       [then](const log::Event& event) {
         then(std::get<log::OffsetsListed>(event.what));
         return true;
       },
       false,
       {},
       {}});
}

void AdminDesk::delete_records(std::vector<log::DeleteBelow> below) {
  ask({[this, below](log::OperationId id) { admin_->submit_delete_records(id, below); },
       [](const log::Event&) { return true; },
       true,
       {},
       {}});
}

void AdminDesk::ask(Question question) {
  question.asked_first = clock_.monotonic();
  const log::OperationId id(++operations_);
  const auto& asked = questions_.emplace(id, std::move(question)).first->second;
  asked.ask(id);
}

bool AdminDesk::handle(const log::Event& event) {
  if (event.epoch != admin_->epoch()) return false;
  const auto found = questions_.find(event.operation);
  if (found == questions_.end()) return true;
  // The answer may ask new questions, or forget all: it runs on a question that is no longer
  // listed.
  Question question = std::move(found->second);
  questions_.erase(found);
  if (question.may_fail) return true;
  if (event.status.ok()) {
    if (question.answer(event)) return true;
    question.asked_first = clock_.monotonic();  // the log is there
    question.ask_again_at = clock_.monotonic() + kAskAgainAfter;
    questions_.emplace(event.operation, std::move(question));
    return true;
  }
  const bool patient = !patience_ || clock_.monotonic() - question.asked_first < *patience_;
  if (event.status.consequence() == Consequence::kRetry && patient) {
    if (!patience_) warn(event.status.message());
    question.ask_again_at = clock_.monotonic() + kAskAgainAfterRefusal;
    questions_.emplace(event.operation, std::move(question));
  } else if (!failure_) {
    failure_ = event.status.message();
  }
  return true;
}

void AdminDesk::warn(const std::string& why) {
  const Duration now = clock_.monotonic();
  if (warned_at_ && now - *warned_at_ < kWarnAgainAfter) return;
  warned_at_ = now;
  logger_.warning("a question about topics or offsets is not answered: " + why +
                  ". Tasks and their state are kept; it is asked again until it is answered");
}

bool AdminDesk::pump() {
  bool asked = false;
  for (auto& [id, question] : questions_) {
    if (!question.ask_again_at || clock_.monotonic() < *question.ask_again_at) continue;
    question.ask_again_at.reset();
    question.ask(id);
    asked = true;
  }
  return asked;
}

std::optional<Duration> AdminDesk::next_timer() const {
  std::optional<Duration> next;
  for (const auto& [id, question] : questions_) {
    if (question.ask_again_at && (!next || *question.ask_again_at < *next))
      next = question.ask_again_at;
  }
  return next;
}

}  // namespace millrace::worker
