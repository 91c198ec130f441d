#include "worker/restorer.h"

#include <algorithm>

#include "millrace/detail/failpoint.h"

namespace millrace::worker {

Restorer::Restorer(log::Log& log, log::Inbox& inbox)
    : reader_(log.make_reader({log::Isolation::kReadCommitted}, inbox)) {}

void Restorer::add(TopicPartition where, Offset from, Offset target, state::Store& store) {
  if (from >= target) return;  // nothing to read: a position would never be told
  MR_FAILPOINT("restore.begin");
  const auto partition = reader_->start(where, from);
  jobs_.emplace(std::move(where), Job{partition, from, target, &store});
}

void Restorer::cancel(const TopicPartition& where) {
  const auto job = jobs_.find(where);
  if (job == jobs_.end()) return;
  reader_->stop(job->second.partition);
  jobs_.erase(job);
}

bool Restorer::pump(std::size_t max_records) {
  bool moved = false;
  for (auto it = jobs_.begin(); it != jobs_.end() && !failure_;) {
    Job& job = it->second;
    reader_->drain(job.partition, max_records, batch_);
    moved = moved || !batch_.empty();
    for (const RecordView& record : batch_) {
      if (record.offset >= job.target) break;
      const Status applied =
          record.key
              ? job.store->restore(*record.key, record.value, record.timestamp, record.offset)
              : Status::fatal("a record without a key, which no store wrote");
      ++records_;
      if (applied.ok()) continue;
      failure_ = "changelog " + to_string(it->first) + "@" + std::to_string(record.offset.value()) +
                 ": " + applied.message() +
                 ". The state was not touched further; mend the serde or the topic of store " +
                 job.store->name() + " so that it reads what it wrote before, and start again";
      break;
    }
    if (!batch_.empty()) MR_FAILPOINT("restore.batch");
    if (reader_->position(job.partition) >= job.target) {
      MR_FAILPOINT("restore.end");
      reader_->stop(job.partition);
      it = jobs_.erase(it);
      moved = true;
    } else {
      ++it;
    }
  }
  return moved;
}

bool Restorer::handle(const log::Event& event) {
  if (event.epoch != reader_->epoch()) return false;
  const auto job_of = [&](log::ReaderPartition partition) {
    return std::find_if(jobs_.begin(), jobs_.end(),
                        [&](const auto& job) { return job.second.partition == partition; });
  };
  if (const auto* range = std::get_if<log::OffsetOutOfRange>(&event.what)) {
    if (const auto job = job_of(range->partition); job != jobs_.end()) {
      failure_ =
          "changelog " + to_string(job->first) + ": offset " +
          std::to_string(range->requested.value()) + " is gone, so store " +
          job->second.store->name() +
          " cannot be rebuilt in full. Nothing was overwritten; find out who deleted the records";
    }
  } else if (const auto* failed = std::get_if<log::ReadFailed>(&event.what)) {
    if (const auto job = job_of(failed->partition); job != jobs_.end()) {
      failure_ =
          "changelog " + to_string(job->first) + " cannot be read: " + event.status.message();
    }
  }
  return true;
}

}  // namespace millrace::worker
