#include "log/memory/memory_group.h"

#include <algorithm>
#include <utility>

namespace millrace::log::memory {

// A member that the hostile switch made up: it wants certain partitions, and leaves some time after
// it got them.
class MemoryGroup::Intruder final : public Actor {
 public:
  Intruder(MemoryGroup& group, Schedule& schedule, std::string id, int turns)
      : Actor(schedule), group_(group), id_(std::move(id)), turns_(turns) {}

  const std::string& id() const { return id_; }
  bool has_left() const { return has_left_; }
  void leave() {
    has_left_ = true;
    group_.leave(id_);
  }

 private:
  void act() override {
    if (has_left_) return;
    if (--turns_ > 0) {
      wake();
    } else {
      leave();
    }
  }

  MemoryGroup& group_;
  const std::string id_;
  int turns_;
  bool has_left_ = false;
};

MemoryGroup::MemoryGroup(std::string name, Schedule& schedule, Hostility& hostility,
                         const MemoryLogOptions& options, const std::set<std::string>& spared)
    : Actor(schedule),
      hostility_(hostility),
      options_(options),
      spared_(spared),
      rounds_(std::move(name)),
      round_timed_out_(schedule, [this] { remove_the_silent(); }) {}
MemoryGroup::~MemoryGroup() = default;

Status MemoryGroup::check(const FencingToken& token) const {
  if (token.generation < 0) {
    if (rounds_.members().empty()) return Status::success();
    if (token.member.empty() && options_.accept_unfenced_offsets) return Status::success();
  }
  return rounds_.check(token);
}

std::string MemoryGroup::join(GroupClient& client, const std::vector<AnchorTopic>& anchors,
                              Duration session_timeout) {
  const std::string id = rounds_.join(anchors);
  sessions_[id] = {&client, session_timeout,
                   std::make_unique<Alarm>(schedule(), [this, id] { remove(id, true); })};
  go_on();
  return id;
}

void MemoryGroup::answered(const std::string& id) {
  rounds_.answered(id);
  go_on();
}

void MemoryGroup::leave(const std::string& id) { remove(id, false); }

void MemoryGroup::set_connected(const std::string& id, bool connected) {
  const auto session = sessions_.find(id);
  if (session == sessions_.end()) return;
  rounds_.set_present(id, connected);
  if (connected) {
    session->second.timed_out->clear();
    go_on();
  } else {
    session->second.timed_out->set(schedule().now() + session->second.timeout);
  }
}

void MemoryGroup::vanish(const std::string& id) {
  const auto session = sessions_.find(id);
  if (session == sessions_.end()) return;
  session->second.client = nullptr;
  if (rounds_.find(id)->present) set_connected(id, false);
}

void MemoryGroup::remove(const std::string& id, bool tell) {
  if (rounds_.find(id) == nullptr) return;
  const auto session = sessions_.extract(id);
  rounds_.leave(id);
  if (tell && session && session.mapped().client != nullptr)
    session.mapped().client->tell({.kind = GroupNotice::Kind::kLost, .member = id});
  const bool only_intruder =
      rounds_.members().size() == 1 && is_intruder(rounds_.members().front().id);
  if (only_intruder) intruder_->leave();
  go_on();
}

void MemoryGroup::remove_the_silent() {
  std::vector<std::string> silent;
  for (const GroupRounds::Member& member : rounds_.members()) {
    if (member.waiting || !member.present) silent.push_back(member.id);
  }
  for (const std::string& id : silent) remove(id, true);
}

void MemoryGroup::go_on() {
  if (rounds_.wanted() && !round_timed_out_.is_set())
    round_timed_out_.set(schedule().now() + options_.rebalance_timeout);
  if (rounds_.due()) wake();
}

void MemoryGroup::act() {
  if (!rounds_.due()) return;
  round_timed_out_.clear();
  for (GroupNotice& notice : rounds_.end_round()) tell(std::move(notice));
  go_on();
}

void MemoryGroup::tell(GroupNotice notice) {
  if (notice.kind == GroupNotice::Kind::kRevoked && has_intruder())
    ++hostility_.counts().revocations;
  if (is_intruder(notice.member)) {
    if (!rounds_.find(notice.member)->owned.empty()) intruder_->wake();
    return;
  }
  sessions_.at(notice.member).client->tell(std::move(notice));
}

bool MemoryGroup::has_intruder() const { return intruder_ && !intruder_->has_left(); }

bool MemoryGroup::is_intruder(const std::string& member) const {
  return has_intruder() && member == intruder_->id();
}

bool MemoryGroup::is_spared(const GroupRounds::Member& member) const {
  return std::ranges::any_of(member.anchors,
                             [this](const auto& anchor) { return spared_.contains(anchor.first); });
}

void MemoryGroup::disturb() {
  const HostileOptions& options = hostility_.options();
  std::vector<TopicPartition> takeable;
  std::vector<std::string> losers;
  for (const GroupRounds::Member& member : rounds_.members()) {
    if (is_intruder(member.id) || !member.present || !member.has_heard) continue;
    if (!is_spared(member)) losers.push_back(member.id);
    for (const TopicPartition& where : member.owned) {
      if (!spared_.contains(where.topic)) takeable.push_back(where);
    }
  }
  if (!has_intruder() && !takeable.empty() && hostility_.strikes(options.one_in_revoke, faults_)) {
    intrude(takeable);
  } else if (!losers.empty() && hostility_.strikes(options.one_in_lost, faults_)) {
    ++hostility_.counts().losses;
    remove(losers[hostility_.random().below(losers.size())], true);
  }
}

void MemoryGroup::intrude(const std::vector<TopicPartition>& takeable) {
  Random& random = hostility_.random();
  std::set<TopicPartition> wants{takeable[random.below(takeable.size())]};
  for (const TopicPartition& where : takeable) {
    if (random.one_in(2)) wants.insert(where);
  }
  const int turns = 1 + static_cast<int>(random.below(4));
  intruder_ =
      std::make_unique<Intruder>(*this, schedule(), rounds_.join_taking(std::move(wants)), turns);
  go_on();
}

MemoryGroup& MemoryGroups::find(const std::string& name) {
  std::unique_ptr<MemoryGroup>& group = groups_[name];
  if (!group) group = std::make_unique<MemoryGroup>(name, schedule_, hostility_, options_, spared_);
  return *group;
}

const MemoryGroup* MemoryGroups::find_existing(std::string_view name) const {
  const auto found = groups_.find(name);
  return found == groups_.end() ? nullptr : found->second.get();
}

void MemoryGroups::forget_topic(std::string_view topic) {
  for (auto& [name, group] : groups_) group->offsets().forget_topic(topic);
}

void MemoryGroups::disturb() {
  const HostileOptions& options = hostility_.options();
  if (options.one_in_revoke == 0 && options.one_in_lost == 0) return;
  for (auto& [name, group] : groups_) group->disturb();
}

}  // namespace millrace::log::memory
