// A group whose members are threads of this process. It shares out and fences as a broker's coordinator
// does (group_rounds.h), with two differences that follow from living together: nobody's session times
// out, so nothing is ever Lost; and who is destroyed without leaving gives its partitions back at once.
//
//   LocalGroups groups;                                     // one per log
//   auto member = make_local_membership(groups.find("app"), epoch, inbox);
//   member->join({{"orders", 12}});                         // Assigned arrives in the inbox
//   Status good = groups.check(*member->token());           // before a commit takes effect
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "log/group/group_rounds.h"
#include "log/inbox.h"
#include "log/membership.h"

namespace millrace::log {

// Thread-safe. Events go into members' inboxes under the group's lock, so that an inbox whose member
// has left is not touched any more; nothing else is called under it.
class LocalGroup {
 public:
  explicit LocalGroup(std::string name) : name_(name), rounds_(std::move(name)) {}

  const std::string& name() const { return name_; }

  // Effect: nothing is shared out before so many have joined. None once the first round is over.
  void expect(int members);

  // Is this token good for an offset commit now? Errors: kAbort (no member, or of an old generation).
  Status check(const FencingToken& token) const;
  // The same, and while the group has no members the token of partitions assigned by hand
  // (generation −1) is good, too.
  Status check_or_by_hand(const FencingToken& token) const;

  // Effect: a new member under an id of its own, which is returned. Assigned and Revoked events with
  // this epoch follow. REQUIRES: the inbox lives until leave().
  std::string join(Epoch epoch, Inbox& inbox, const std::vector<AnchorTopic>& anchors);

  // All of these: an id that is no member's any more does nothing.

  // Effect: the member has let go of what the event that was not answered yet asked for.
  void answered(const std::string& member);
  // Effect: its partitions are the others' from now on; no event follows.
  void leave(const std::string& member);

  // Of the generation that the group is in: a member has heard of it, or nothing changed for it.
  // nullopt: no member, or none that was assigned anything yet.
  std::optional<FencingToken> token(const std::string& member) const;

 private:
  struct Seat {
    Epoch epoch;
    Inbox* inbox;
  };

  void end_due_rounds();  // REQUIRES: mutex_ held
  void tell(GroupNotice notice);

  const std::string name_;
  mutable std::mutex mutex_;
  GroupRounds rounds_;                 // guarded by mutex_
  int expected_ = 1;                   // guarded by mutex_; until the first round is over
  std::map<std::string, Seat> seats_;  // guarded by mutex_; by member
};

// The groups of one log. Thread-safe.
class LocalGroups {
 public:
  // Effect: makes the group if there is none of this name; see LocalGroup::expect().
  std::shared_ptr<LocalGroup> find(const std::string& group, int members_at_start = 1);

  // As LocalGroup's; a group that nobody asked for has no members.
  Status check(const FencingToken& token) const;
  Status check_or_by_hand(const FencingToken& token) const;

 private:
  std::shared_ptr<LocalGroup> find_existing(const std::string& group) const;

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<LocalGroup>> groups_;  // guarded by mutex_
};

}  // namespace millrace::log
