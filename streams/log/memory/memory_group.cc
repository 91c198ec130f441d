#include "log/memory/memory_group.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "log/memory/assignor.h"

namespace millrace::log::memory {

namespace {

std::set<TopicPartition> minus(const std::set<TopicPartition>& from,
                               const std::set<TopicPartition>& what) {
  std::set<TopicPartition> rest;
  std::ranges::set_difference(from, what, std::inserter(rest, rest.end()));
  return rest;
}

std::vector<TopicPartition> listed(const std::set<TopicPartition>& partitions) {
  return {partitions.begin(), partitions.end()};
}

}  // namespace

// A member that the hostile switch made up: it wants certain partitions, and leaves some time after
// it got them.
class MemoryGroup::Intruder final : public Actor {
 public:
  Intruder(MemoryGroup& group, Schedule& schedule, std::string id, std::set<TopicPartition> wants,
           int turns)
      : Actor(schedule),
        group_(group),
        id_(std::move(id)),
        wants_(std::move(wants)),
        turns_(turns) {}

  const std::string& id() const { return id_; }
  const std::set<TopicPartition>& wants() const { return wants_; }
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
  const std::set<TopicPartition> wants_;
  int turns_;
  bool has_left_ = false;
};

MemoryGroup::MemoryGroup(std::string name, Schedule& schedule, Hostility& hostility,
                         const MemoryLogOptions& options, const std::set<std::string>& spared)
    : Actor(schedule),
      name_(std::move(name)),
      hostility_(hostility),
      options_(options),
      spared_(spared),
      round_timed_out_(schedule, [this] { remove_the_silent(); }) {}
MemoryGroup::~MemoryGroup() = default;

Status MemoryGroup::check(const FencingToken& token) const {
  if (token.generation < 0) {
    if (members_.empty()) return Status::success();
    if (token.member.empty() && options_.accept_unfenced_offsets) return Status::success();
  }
  if (find(token.member) == nullptr) {
    return Status::abort("UNKNOWN_MEMBER_ID: '" + token.member + "' is no member of group " +
                         name_);
  }
  if (token.generation != generation_) {
    return Status::abort("ILLEGAL_GENERATION: " + std::to_string(token.generation) + " in group " +
                         name_ + ", which is at " + std::to_string(generation_));
  }
  return Status::success();
}

std::string MemoryGroup::join(GroupClient& client, const std::vector<AnchorTopic>& anchors,
                              Duration session_timeout) {
  Member& member = members_.emplace_back();
  member.id = name_ + "-member-" + std::to_string(++joined_);
  member.client = &client;
  for (const AnchorTopic& anchor : anchors) member.anchors[anchor.name] = anchor.partitions;
  member.session_timeout = session_timeout;
  member.session =
      std::make_unique<Alarm>(schedule(), [this, id = member.id] { remove(id, true); });
  request_round();
  return member.id;
}

void MemoryGroup::answered(const std::string& id) {
  Member* member = find(id);
  if (member == nullptr) return;
  member->waiting = false;
  member->owned = minus(member->owned, member->revoking);
  member->revoking.clear();
  go_on();
}

void MemoryGroup::leave(const std::string& id) { remove(id, false); }

void MemoryGroup::set_connected(const std::string& id, bool connected) {
  Member* member = find(id);
  if (member == nullptr) return;
  member->connected = connected;
  if (connected) {
    member->session->clear();
    go_on();
  } else {
    member->session->set(schedule().now() + member->session_timeout);
  }
}

void MemoryGroup::vanish(const std::string& id) {
  Member* member = find(id);
  if (member == nullptr) return;
  member->client = nullptr;
  if (member->connected) set_connected(id, false);
}

void MemoryGroup::remove(const std::string& id, bool tell) {
  const auto at = std::ranges::find(members_, id, &Member::id);
  if (at == members_.end()) return;
  GroupClient* client = at->client;
  members_.erase(at);
  if (client != nullptr && tell) client->tell({.kind = Notice::Kind::kLost, .member = id});
  const bool only_intruder = members_.size() == 1 && is_intruder(members_.front());
  if (only_intruder) intruder_->leave();
  request_round();
}

void MemoryGroup::remove_the_silent() {
  std::vector<std::string> silent;
  for (const Member& member : members_) {
    if (member.waiting || !member.connected) silent.push_back(member.id);
  }
  for (const std::string& id : silent) remove(id, true);
}

void MemoryGroup::request_round() {
  if (!round_requested_) round_timed_out_.set(schedule().now() + options_.rebalance_timeout);
  round_requested_ = true;
  go_on();
}

bool MemoryGroup::may_end_round() const {
  return round_requested_ && std::ranges::none_of(members_, [](const Member& member) {
           return member.waiting || !member.connected;
         });
}

void MemoryGroup::go_on() {
  if (may_end_round()) wake();
}

void MemoryGroup::act() {
  if (!may_end_round()) return;
  round_requested_ = false;
  round_timed_out_.clear();
  ++generation_;

  std::vector<AssignorMember> sharing;
  std::set<TopicPartition> taken;
  std::set<TopicPartition> owned_before;
  for (const Member& member : members_) {
    owned_before.insert(member.owned.begin(), member.owned.end());
    if (is_intruder(member)) {
      taken = intruder_->wants();
    } else {
      sharing.push_back({member.anchors, member.owned});
    }
  }
  const std::vector<std::set<TopicPartition>> shares = assign_sticky(sharing, taken);
  auto share = shares.begin();
  for (Member& member : members_) {
    tell_share(member, is_intruder(member) ? taken : *share++, owned_before);
  }
  if (std::ranges::any_of(members_, [](const Member& m) { return !m.revoking.empty(); }))
    request_round();
}

void MemoryGroup::tell_share(Member& member, const std::set<TopicPartition>& share,
                             const std::set<TopicPartition>& owned_before) {
  Notice notice{.kind = Notice::Kind::kGeneration, .member = member.id, .generation = generation_};
  member.revoking = minus(member.owned, share);
  if (!member.revoking.empty()) {
    notice.kind = Notice::Kind::kRevoked;
    notice.partitions = listed(member.revoking);
    if (intruder_ && !intruder_->has_left()) ++hostility_.counts().revocations;
  } else {
    const std::set<TopicPartition> added = minus(share, owned_before);
    // The first notice is an Assigned, be it an empty one: it says that the member is in.
    if (!added.empty() || !member.has_heard) notice.kind = Notice::Kind::kAssigned;
    notice.partitions = listed(added);
    member.owned.insert(added.begin(), added.end());
  }
  member.has_heard = true;
  if (is_intruder(member)) {
    if (!member.owned.empty()) intruder_->wake();
    return;
  }
  member.waiting = notice.kind != Notice::Kind::kGeneration;
  member.client->tell(std::move(notice));
}

MemoryGroup::Member* MemoryGroup::find(const std::string& id) {
  const auto at = std::ranges::find(members_, id, &Member::id);
  return at == members_.end() ? nullptr : &*at;
}

const MemoryGroup::Member* MemoryGroup::find(const std::string& id) const {
  const auto at = std::ranges::find(members_, id, &Member::id);
  return at == members_.end() ? nullptr : &*at;
}

bool MemoryGroup::is_intruder(const Member& member) const {
  return intruder_ && !intruder_->has_left() && member.id == intruder_->id();
}

bool MemoryGroup::is_spared(const Member& member) const {
  return std::ranges::any_of(member.anchors,
                             [this](const auto& anchor) { return spared_.contains(anchor.first); });
}

void MemoryGroup::disturb() {
  const HostileOptions& options = hostility_.options();
  std::vector<TopicPartition> takeable;
  std::vector<std::string> losers;
  for (const Member& member : members_) {
    if (member.client == nullptr || !member.connected || !member.has_heard) continue;
    if (!is_spared(member)) losers.push_back(member.id);
    for (const TopicPartition& where : member.owned) {
      if (!spared_.contains(where.topic)) takeable.push_back(where);
    }
  }
  const bool has_intruder = intruder_ && !intruder_->has_left();
  if (!has_intruder && !takeable.empty() && hostility_.strikes(options.one_in_revoke, faults_)) {
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
  Member& member = members_.emplace_back();
  member.id = name_ + "-member-" + std::to_string(++joined_);
  const int turns = 1 + static_cast<int>(random.below(4));
  intruder_ = std::make_unique<Intruder>(*this, schedule(), member.id, std::move(wants), turns);
  request_round();
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
