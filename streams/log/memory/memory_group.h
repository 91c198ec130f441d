// One group as its coordinator sees it: members, generations, cooperative rebalancing in rounds,
// the check of tokens, and the group's offsets.
//
// A round begins when the membership changes. It waits until every member has answered what it was
// told before (a member that does not within the rebalance time-out is out), then the generation
// moves on and each member is told what is new. Partitions that one member must give up are given
// out in the round after the one that revoked them.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "log/log.h"
#include "log/memory/group_offsets.h"
#include "log/memory/memory_log.h"
#include "log/memory/schedule.h"

namespace millrace::log::memory {

// What a coordinator tells a member.
struct Notice {
  enum class Kind { kGeneration, kAssigned, kRevoked, kLost };
  Kind kind = Kind::kGeneration;
  std::string member;
  std::int32_t generation = -1;
  std::vector<TopicPartition> partitions = {};
};

class GroupClient {
 public:
  virtual ~GroupClient() = default;
  virtual void tell(Notice notice) = 0;
};

class MemoryGroup final : public Actor {
 public:
  MemoryGroup(std::string name, Schedule& schedule, Hostility& hostility,
              const MemoryLogOptions& options, const std::set<std::string>& spared);
  ~MemoryGroup() override;

  GroupOffsets& offsets() { return offsets_; }
  const GroupOffsets& offsets() const { return offsets_; }

  // Is this token good for a transactional offset commit now? Errors: kAbort.
  Status check(const FencingToken& token) const;

  // Effect: a new member under an id of its own, which is returned. The client outlives its
  // membership, or calls vanish().
  std::string join(GroupClient& client, const std::vector<AnchorTopic>& anchors,
                   Duration session_timeout);

  // All of these: an id that is no member's any more does nothing.
  void answered(const std::string& member);
  void leave(const std::string& member);
  void set_connected(const std::string& member, bool connected);
  // Effect: the client is gone without a word; it stays a member until its session times out.
  void vanish(const std::string& member);

  // Effect, hostile: draws whether another member comes, takes some partitions and leaves some
  // steps after it got them; or whether one member is thrown out.
  void disturb();

  // Effect: the group made progress; it may be disturbed again.
  void committed() { faults_.length = 0; }

 private:
  class Intruder;
  struct Member {
    std::string id;
    GroupClient* client = nullptr;  // nullptr: gone, or the intruder
    std::map<std::string, std::int32_t> anchors;
    std::set<TopicPartition> owned;  // until given up, also what is being revoked
    std::set<TopicPartition> revoking;
    Duration session_timeout{0};
    bool connected = true;
    bool waiting = false;    // for its answer to Assigned or Revoked
    bool has_heard = false;  // of a generation
    std::unique_ptr<Alarm> session;
  };

  void act() override;  // ends a round
  void request_round();
  void go_on();
  bool may_end_round() const;
  void tell_share(Member& member, const std::set<TopicPartition>& share,
                  const std::set<TopicPartition>& owned_before);
  void remove(const std::string& member, bool tell);
  void remove_the_silent();
  Member* find(const std::string& id);
  const Member* find(const std::string& id) const;
  bool is_intruder(const Member& member) const;
  bool is_spared(const Member& member) const;
  void intrude(const std::vector<TopicPartition>& takeable);

  const std::string name_;
  Hostility& hostility_;
  const MemoryLogOptions& options_;
  const std::set<std::string>& spared_;
  GroupOffsets offsets_;
  std::list<Member> members_;  // in the order of joining
  std::int32_t generation_ = 0;
  std::int64_t joined_ = 0;
  bool round_requested_ = false;
  Alarm round_timed_out_;
  std::unique_ptr<Intruder> intruder_;
  FaultRow faults_;
};

class MemoryGroups {
 public:
  MemoryGroups(Schedule& schedule, Hostility& hostility, const MemoryLogOptions& options)
      : schedule_(schedule), hostility_(hostility), options_(options) {}

  // Lifetime: the log's.
  MemoryGroup& find(const std::string& name);
  const MemoryGroup* find_existing(std::string_view name) const;

  void spare(std::string anchor_topic) { spared_.insert(std::move(anchor_topic)); }
  void forget_topic(std::string_view topic);

  // Effect, hostile: a moment at which groups may be disturbed: a producer has a transaction open.
  void disturb();

 private:
  Schedule& schedule_;
  Hostility& hostility_;
  const MemoryLogOptions& options_;
  std::set<std::string> spared_;
  std::map<std::string, std::unique_ptr<MemoryGroup>, std::less<>> groups_;
};

}  // namespace millrace::log::memory
