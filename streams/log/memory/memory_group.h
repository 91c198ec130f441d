// One group as its coordinator sees it: members and their sessions, the check of tokens, and the
// group's offsets. Rounds are those of log/group/group_rounds.h, each ended in a step of the schedule;
// a member that does not answer within the rebalance time-out is out.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "log/group/group_rounds.h"
#include "log/log.h"
#include "log/memory/group_offsets.h"
#include "log/memory/memory_log.h"
#include "log/memory/schedule.h"

namespace millrace::log::memory {

class GroupClient {
 public:
  virtual ~GroupClient() = default;
  virtual void tell(GroupNotice notice) = 0;
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
  struct Session {
    GroupClient* client = nullptr;  // nullptr: gone
    Duration timeout{0};
    std::unique_ptr<Alarm> timed_out;
  };

  void act() override;  // ends a round
  void go_on();
  void tell(GroupNotice notice);
  void remove(const std::string& member, bool tell);
  void remove_the_silent();
  bool has_intruder() const;
  bool is_intruder(const std::string& member) const;
  bool is_spared(const GroupRounds::Member& member) const;
  void intrude(const std::vector<TopicPartition>& takeable);

  Hostility& hostility_;
  const MemoryLogOptions& options_;
  const std::set<std::string>& spared_;
  GroupOffsets offsets_;
  GroupRounds rounds_;
  std::map<std::string, Session> sessions_;  // by member, but for the intruder
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
