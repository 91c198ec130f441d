#include "log/journal/journal_log.h"

#include <algorithm>
#include <utility>

#include "log/group/local_membership.h"
#include "log/journal/disk_reader.h"
#include "log/journal/frame_codec.h"
#include "log/journal/journal_admin.h"
#include "log/journal/journal_cleaner.h"
#include "log/journal/journal_producer.h"
#include "log/journal/journal_reader.h"
#include "log/journal/journal_state.h"
#include "log/journal/journal_writer.h"
#include "log/journal/logging_thread.h"
#include "log/journal/parking.h"

namespace millrace::log::journal {

namespace {

// A frame holds several transactions, and takes them whole.
constexpr std::uint64_t kFramePerTransaction = 4;

// Effect: the frame is durable and in the catalog. Errors: kFatal.
Status write(JournalState& state, const Frame& frame) {
  Status written = state.store->append(frame, state.catalog).status();
  if (written.ok()) written = state.store->sync();
  if (!written.ok()) return Status::fatal(written.message());
  if (const auto wrong = state.catalog.apply(frame)) {
    return Status::fatal("the journal in " + state.options.directory +
                         " does not follow its own rules: " + *wrong);
  }
  return Status::success();
}

// Effect: what was parked goes to its place, in several frames where it is much. Where a crash comes
// between them the next opening goes on: what is in its place is not placed again.
Status place_what_was_parked(JournalState& state) {
  const auto placed = place_parked(*state.store, state.catalog);
  if (!placed.ok()) return placed.status();
  if (!placed.value()) return Status::success();
  const Frame& all = placed.value()->frame;
  auto next = all.batches.begin();
  do {
    Frame frame;
    std::uint64_t bytes = 0;
    for (; next != all.batches.end() && bytes < state.options.max_transaction_bytes; ++next) {
      frame.batches.push_back(*next);
      bytes += kBatchHeadSize + next->encoded.size();
    }
    if (next == all.batches.end()) frame.deletions = all.deletions;
    Status written = write(state, frame);
    if (!written.ok()) return written;
  } while (next != all.batches.end());
  return Status::success();
}

}  // namespace

// The state with the threads that work on it.
class JournalLog::Running {
 public:
  Running(std::unique_ptr<LoggingThread> logger, std::unique_ptr<JournalState> state)
      : state_(std::move(state)), logger_(std::move(logger)) {}

  JournalState& state() { return *state_; }
  DiskReader& disk() { return disk_; }

 private:
  const std::unique_ptr<JournalState> state_;
  const std::unique_ptr<LoggingThread> logger_;  // ends before the state: a logger may ask the log
  DiskReader disk_{*state_};
  JournalWriter writer_{*state_};
  JournalCleaner cleaner_{*state_};
};

JournalLog::JournalLog(std::unique_ptr<Running> running) : running_(std::move(running)) {}
JournalLog::~JournalLog() = default;

Result<std::unique_ptr<JournalLog>> JournalLog::open(JournalOptions options) {
  return open(std::move(options), Surroundings{});
}

Result<std::unique_ptr<JournalLog>> JournalLog::open(JournalOptions options,
                                                     const Surroundings& surroundings) {
  const std::string directory = options.directory;
  try {
    return open_or_throw(std::move(options), surroundings);
  } catch (...) {
    return stopped_by_exception("the journal in " + directory + " cannot be opened");
  }
}

Result<std::unique_ptr<JournalLog>> JournalLog::open_or_throw(JournalOptions options,
                                                              const Surroundings& surroundings) {
  auto logger = std::make_unique<LoggingThread>(surroundings.logger);
  Result<FrameStore::Opened> opened =
      FrameStore::open({.directory = options.directory,
                        .segment_bytes = options.segment_bytes,
                        .max_frame_bytes = options.max_transaction_bytes * kFramePerTransaction},
                       surroundings.files, surroundings.clock, *logger);
  if (!opened.ok()) return opened.status();
  auto state = std::make_unique<JournalState>(std::move(options), surroundings.clock, *logger);
  state->store = std::move(opened.value().store);
  state->catalog = std::move(opened.value().catalog);
  for (const FrameStore::SetAside& torn : opened.value().set_aside) {
    state->logger.warning("the journal in " + state->options.directory + " set aside " + torn.file +
                          ": " + torn.why);
  }
  if (Status placed = place_what_was_parked(*state); !placed.ok()) return placed;
  for (const auto& [id, topic] : state->catalog.topics()) {
    if (topic.name != kParkingTopic) state->topics.add(topic);
  }
  return std::unique_ptr<JournalLog>(
      new JournalLog(std::make_unique<Running>(std::move(logger), std::move(state))));
}

std::unique_ptr<LogProducer> JournalLog::make_producer(ProducerOptions options, Inbox& inbox) {
  return std::make_unique<JournalProducer>(running_->state(), std::move(options), inbox);
}

std::unique_ptr<LogReader> JournalLog::make_reader(ReaderOptions options, Inbox& inbox) {
  return std::make_unique<JournalReader>(running_->state(), running_->disk(), options, inbox);
}

std::unique_ptr<LogAdmin> JournalLog::make_admin(Inbox& inbox) {
  return std::make_unique<JournalAdmin>(running_->state(), inbox);
}

std::unique_ptr<GroupMembership> JournalLog::make_membership(MembershipOptions options,
                                                             Inbox& inbox) {
  JournalState& state = running_->state();
  return make_local_membership(state.groups.find(options.group, options.members_at_start),
                               state.next_epoch(), inbox);
}

std::size_t JournalLog::parked_bytes() const {
  const std::lock_guard lock(running_->state().mutex);
  return running_->state().transactions.parked_bytes();
}

std::size_t JournalLog::transactional_ids() const {
  const std::lock_guard lock(running_->state().mutex);
  return running_->state().transactions.ids();
}

Result<Offset> JournalLog::offset_for_time(const TopicPartition& where, Timestamp at_least) const {
  JournalState& state = running_->state();
  PartitionKey key;
  Offset from;
  Offset end;
  {
    const std::lock_guard lock(state.mutex);
    const LivePartition* partition = state.topics.find(where);
    if (partition == nullptr)
      return Status::retry("there is no such partition: " + to_string(where));
    key = partition->key();
    from = partition->start();
    end = partition->readable_end(Isolation::kReadCommitted);
  }
  // A batch that has such a record may have it below the start alone.
  while (from < end) {
    const auto found = state.store->find_time(key, at_least, from);
    if (!found.ok()) return found.status();
    if (!found.value()) break;
    const Result<StoredBatch> batch = state.store->read(*found.value());
    if (!batch.ok()) return batch.status();
    RecordDecoder decoder(batch.value().base, batch.value().encoded);
    RecordView record;
    while (decoder.next(record)) {
      if (record.offset < from || record.timestamp < at_least) continue;
      return std::min(record.offset, end);
    }
    from = batch.value().next;
  }
  return end;
}

}  // namespace millrace::log::journal
