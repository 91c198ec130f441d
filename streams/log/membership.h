// Membership in a group that shares out partitions of the anchor topics (DESIGN §6). Whoever runs the
// tasks of a partition is told by events, and tells back by acknowledge() when it has let go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "log/event.h"
#include "log/producer.h"

namespace millrace::log {

struct AnchorTopic {
  std::string name;
  std::int32_t partitions = 0;
};

// Not thread-safe: one worker uses it. Events: Assigned, Revoked, Lost; fatal failures with a status.
class GroupMembership {
 public:
  virtual ~GroupMembership() = default;

  virtual Epoch epoch() const = 0;

  // Effect: joins; Assigned events follow, each with partitions that are new.
  virtual void join(std::vector<AnchorTopic> anchors) = 0;

  // Effect: answers the oldest Assigned or Revoked event that was not answered yet. After the answer
  // to Revoked the partitions may be others' at any moment.
  virtual void acknowledge() = 0;

  // Effect: none that shows. Wakes the client ahead of a commit, so that a heartbeat does not make
  // the token stale between token() and the commit (KAFKA_CLIENT §1.5, rule 9).
  virtual void kick() = 0;

  // True: the group goes on only with this member's answer, however long that takes. Nothing is Lost
  // then, and nobody else of the group commits for what this member has not let go of.
  virtual bool waits_for_answers() const { return false; }

  // What a commit must carry now; nullopt while not a member: nothing may be committed then.
  virtual std::optional<FencingToken> token() const = 0;

  // Effect: gives everything back and leaves. Completes with Done.
  virtual void submit_leave(OperationId id) = 0;
};

}  // namespace millrace::log
