// Fills stores from their changelogs: reads committed records up to the end that the log had when
// the restore began, counting also what was not committed then (KAFKA_CLIENT §3.1: a last stable
// offset as the target would miss a transaction whose markers are still on their way).
//
//   restored ⇔ the reader's position has reached the target
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/log.h"
#include "millrace/detail/store.h"

namespace millrace::worker {

// Not thread-safe: belongs to one worker.
class Restorer {
 public:
  Restorer(log::Log& log, log::Inbox& inbox);

  // Effect: begins to fill the store from [from, target). REQUIRES: the store outlives the restore
  // or cancel(); the partition is not being restored.
  void add(TopicPartition where, Offset from, Offset target, state::Store& store);

  // Effect: stops restoring this partition, finished or not.
  void cancel(const TopicPartition& where);

  bool restoring(const TopicPartition& where) const { return jobs_.contains(where); }
  bool idle() const { return jobs_.empty(); }

  // Effect: applies at most `max_records` of what has arrived. Returns whether anything moved.
  bool pump(std::size_t max_records);

  // Effect: takes in an event of the reader's. Returns false if it is somebody else's.
  bool handle(const log::Event& event);

  // What went wrong, if anything: the store's name, topic-partition@offset, what to do.
  const std::optional<std::string>& failure() const { return failure_; }

  std::int64_t records() const { return records_; }  // applied since the start

 private:
  struct Job {
    log::ReaderPartition partition;
    Offset from;
    Offset target;
    state::Store* store;
  };

  std::unique_ptr<log::LogReader> reader_;
  std::map<TopicPartition, Job> jobs_;
  log::RecordBatch batch_;
  std::optional<std::string> failure_;
  std::int64_t records_ = 0;
};

}  // namespace millrace::worker
