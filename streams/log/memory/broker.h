// All that the clients of one memory log share: its state, its schedule and its chance.
#pragma once

#include <map>

#include "log/memory/memory_group.h"
#include "log/memory/memory_log.h"
#include "log/memory/memory_topic.h"
#include "log/memory/memory_transactions.h"
#include "log/memory/schedule.h"

namespace millrace::log::memory {

class MemoryMembership;

struct Broker {
  Broker(const Clock& clock_, MemoryLogOptions options_)
      : clock(clock_),
        options(options_),
        hostility(options.hostile),
        schedule(clock, hostility),
        groups(schedule, hostility, options),
        transactions(schedule, hostility, groups),
        topics(transactions.outcomes()) {}

  Epoch next_epoch() { return ++last_epoch; }

  const Clock& clock;
  const MemoryLogOptions options;
  Hostility hostility;
  Schedule schedule;
  MemoryGroups groups;
  MemoryTransactions transactions;
  MemoryTopics topics;
  std::map<Epoch, MemoryMembership*> memberships;
  Epoch last_epoch{0};
};

}  // namespace millrace::log::memory
