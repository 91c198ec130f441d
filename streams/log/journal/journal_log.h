// The embedded log: the log seam on one directory, for the threads of one process. Durable; no broker.
//
//   auto opened = JournalLog::open({.directory = "/var/lib/app/journal"});
//   if (!opened.ok()) return opened.status();      // who holds it, what is damaged where
//   log::Log& log = *opened.value();
//
// A transaction is one frame of the journal, written and synced with those of other producers that
// ended meanwhile. What a committed reader has seen, and every offset that it has passed, is durable.
// Groups live in this process (log/group/): nobody is ever Lost.
#pragma once

#include <memory>
#include <optional>

#include "log/journal/file_system.h"
#include "log/journal/journal_options.h"
#include "log/log.h"
#include "millrace/clock.h"
#include "millrace/logging.h"

namespace millrace::log::journal {

struct JournalState;

// Thread-safety: as Log.
class JournalLog final : public Log {
 public:
  // What the journal lives on. Everything outlives it. The logger is called on a thread of its own: it
  // may use the log.
  struct Surroundings {
    FileSystem& files = FileSystem::real();
    const Clock& clock = SystemClock::instance();
    Logger& logger = null_logger();
  };

  // Errors: kFatal, one clear message: another process holds the directory (its pid, since when),
  // damage (file, byte), no right to it, no room.
  static Result<std::unique_ptr<JournalLog>> open(JournalOptions options);
  static Result<std::unique_ptr<JournalLog>> open(JournalOptions options,
                                                  const Surroundings& surroundings);

  // Effect: writes what was submitted, as far as there is room. REQUIRES: what was made with it is
  // gone.
  ~JournalLog() override;
  JournalLog(const JournalLog&) = delete;
  JournalLog& operator=(const JournalLog&) = delete;

  std::unique_ptr<LogProducer> make_producer(ProducerOptions options, Inbox& inbox) override;
  std::unique_ptr<LogReader> make_reader(ReaderOptions options, Inbox& inbox) override;
  std::unique_ptr<LogAdmin> make_admin(Inbox& inbox) override;
  std::unique_ptr<GroupMembership> make_membership(MembershipOptions options,
                                                   Inbox& inbox) override;

  // The first committed record with at least this timestamp, or the end where there is none (Kafka's
  // offsetsForTimes). Waits for the disk: for tools. Errors: kRetry, there is no such partition; kFatal,
  // damage (file and byte).
  Result<Offset> offset_for_time(const TopicPartition& where, Timestamp at_least) const;

  // Bytes of commits that are durable and wait for transactions that are open still, in memory and in
  // the files.
  std::size_t parked_bytes() const;
  // How many ids of producers are remembered.
  std::size_t transactional_ids() const;

 private:
  class Running;
  explicit JournalLog(std::unique_ptr<Running> running);
  static Result<std::unique_ptr<JournalLog>> open_or_throw(JournalOptions options,
                                                           const Surroundings& surroundings);

  std::unique_ptr<Running> running_;
};

}  // namespace millrace::log::journal
