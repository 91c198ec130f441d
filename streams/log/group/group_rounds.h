// How a group shares partitions out: cooperative rebalancing in rounds, as a machine without threads,
// clock or events. What drives it decides when a due round ends and how a member hears of it.
//
// A round is wanted when the membership changes. It is due once every member has answered what it was
// told before; then the generation moves on and each member is told what is new. Partitions that one
// member must give up are given out in the round after the one that revoked them, so none has two
// owners.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "log/membership.h"

namespace millrace::log {

// What a coordinator tells a member.
struct GroupNotice {
  enum class Kind {
    kGeneration,  // nothing but the new generation; waits for no answer
    kAssigned,    // each member's first, be it an empty one: it says that the member is in
    kRevoked,
    kLost,  // thrown out by whoever drives the group; no round says it
  };
  Kind kind = Kind::kGeneration;
  std::string member;
  std::int32_t generation = -1;
  std::vector<TopicPartition> partitions = {};
};

// Not thread-safe.
class GroupRounds {
 public:
  struct Member {
    std::string id;
    std::map<std::string, std::int32_t> anchors;  // topic → its number of partitions
    std::optional<std::set<TopicPartition>>
        wants;                       // shares nothing: takes these, and answers nothing
    std::set<TopicPartition> owned;  // until given up, also what is being revoked
    std::set<TopicPartition> revoking;
    bool present = true;
    bool waiting = false;    // for its answer to Assigned or Revoked
    bool has_heard = false;  // of a generation
  };

  explicit GroupRounds(std::string name) : name_(std::move(name)) {}

  // Effect: a new member under an id of its own, which is returned.
  std::string join(const std::vector<AnchorTopic>& anchors);
  std::string join_taking(std::set<TopicPartition> wants);

  // All of these: an id that is no member's any more does nothing.

  // Effect: the member has let go of what it was asked for. None where it was not asked.
  void answered(const std::string& member);
  void leave(const std::string& member);
  // Effect: no round ends while a member is away.
  void set_present(const std::string& member, bool present);

  bool wanted() const { return wanted_; }
  bool due() const;

  // Effect: ends the round. Returns what each member is told, in the order in which they joined.
  // REQUIRES: due().
  std::vector<GroupNotice> end_round();

  // Is this token good for a transactional offset commit now? Errors: kAbort.
  Status check(const FencingToken& token) const;

  const std::list<Member>& members() const { return members_; }  // in the order of joining
  const Member* find(const std::string& member) const;
  std::int32_t generation() const { return generation_; }

 private:
  Member& add();
  Member* seat(const std::string& member);
  GroupNotice share(Member& member, const std::set<TopicPartition>& share,
                    const std::set<TopicPartition>& owned_before);

  const std::string name_;
  std::list<Member> members_;
  std::int32_t generation_ = 0;
  std::int64_t joined_ = 0;
  bool wanted_ = false;
};

}  // namespace millrace::log
