// Fills stores from their changelogs: reads committed records up to the end that the log had when
// the restore began, counting also what was not committed then (KAFKA_CLIENT §3.1: a last stable
// offset as the target would miss a transaction whose markers are still on their way).
//
//   restored ⇔ the reader's position has reached the target
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "log/log.h"
#include "millrace/clock.h"
#include "millrace/detail/store.h"
#include "millrace/restore_listener.h"

namespace millrace::worker {

// Not thread-safe: belongs to one worker.
class Restorer {
 public:
  // The listener, if any, outlives this and does not throw.
  Restorer(log::Log& log, log::Inbox& inbox, const Clock& clock, RestoreListener* listener);
  ~Restorer();

  // The last record that a store on disk has from its changelog, and its timestamp, if it knows it.
  struct LastApplied {
    Offset offset;
    Timestamp stamped;
  };

  // Effect: begins to fill the store from [from, target). Where `last` is given, that record is read
  // once more: if it has another timestamp, the topic is not the one that the store was filled from.
  // REQUIRES: the store outlives the restore or cancel(); the partition is not being restored;
  // last->offset < from. The listener hears of it also where there is nothing to read.
  void add(TopicPartition where, Offset from, Offset target, state::Store& store,
           std::optional<LastApplied> last = std::nullopt);

  // Effect: stops restoring this partition, finished or not.
  void cancel(const TopicPartition& where);

  bool restoring(const TopicPartition& where) const { return jobs_.contains(where); }
  bool idle() const { return jobs_.empty(); }

  // Effect: applies at most `max_records` of what has arrived, those first that have the least to go.
  // Returns whether anything moved.
  bool pump(std::size_t max_records);

  // Effect: takes in an event of the reader's. Returns false if it is somebody else's.
  bool handle(const log::Event& event);

  // A changelog that cannot be restored, and is given up.
  struct Failure {
    TopicPartition where;
    std::string why;  // the store's name, topic-partition@offset, what to do; no bytes
  };
  // What failed since the last call.
  std::vector<Failure> take_failures() { return std::exchange(failures_, {}); }

  std::int64_t records() const { return records_; }  // applied since the start

 private:
  void fail(TopicPartition where, std::string why);

  struct Job {
    std::optional<log::ReaderPartition> partition;  // absent before reading begins
    Offset from;
    Offset target;
    state::Store* store;
    Duration begun;  // monotonic
    std::optional<LastApplied> last;
  };
  using Jobs = std::map<TopicPartition, Job>;

  Restore told(const TopicPartition& where, const Job& job) const;
  std::vector<Jobs::iterator> nearest_first();
  Status apply(Job& job, const RecordView& record);

  std::unique_ptr<log::LogReader> reader_;
  const Clock& clock_;
  RestoreListener* const listener_;
  Jobs jobs_;
  log::RecordBatch batch_;
  std::vector<Failure> failures_;
  std::int64_t records_ = 0;
};

}  // namespace millrace::worker
