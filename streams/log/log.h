// The log seam: a partitioned, transactional log as the engine sees it. Behind it stand the memory log
// (tests, simulation) and Kafka through librdkafka. What the words mean is written down as a
// conformance suite that a real broker answers first (docs/design/log_seam.md).
//
// Two rules for every implementation: nothing here waits, and what cannot be answered at once ends as
// an Event in the inbox that the object was made with.
#pragma once

#include <memory>
#include <string>

#include "log/admin.h"
#include "log/inbox.h"
#include "log/membership.h"
#include "log/producer.h"
#include "log/reader.h"

namespace millrace::log {

struct ProducerOptions {
  std::string transactional_id;
  Duration transaction_timeout{
      10'000};  // an open transaction older than this is aborted by the log
};

struct ReaderOptions {
  Isolation isolation = Isolation::kReadCommitted;
};

struct MembershipOptions {
  std::string group;
  // How many members this process is going to have at its start. A group within one process shares
  // nothing out before they are in: so no task is opened only to be moved, and none goes on from
  // offsets that a transactional id of the last process could still move.
  int members_at_start = 1;
  Duration session_timeout{10'000};
};

// Thread-safety: the make_ functions may be called by any thread. The Log and the inbox outlive what
// was made with them.
class Log {
 public:
  virtual ~Log() = default;

  virtual std::unique_ptr<LogProducer> make_producer(ProducerOptions options, Inbox& inbox) = 0;
  virtual std::unique_ptr<LogReader> make_reader(ReaderOptions options, Inbox& inbox) = 0;
  virtual std::unique_ptr<LogAdmin> make_admin(Inbox& inbox) = 0;
  virtual std::unique_ptr<GroupMembership> make_membership(MembershipOptions options,
                                                           Inbox& inbox) = 0;
};

}  // namespace millrace::log
