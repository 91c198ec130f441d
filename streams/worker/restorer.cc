#include "worker/restorer.h"

#include <algorithm>
#include <utility>

#include "millrace/detail/failpoint.h"

namespace millrace::worker {

Restorer::Restorer(log::Log& log, log::Inbox& inbox, const Clock& clock, RestoreListener* listener)
    : reader_(log.make_reader({log::Isolation::kReadCommitted}, inbox)),
      clock_(clock),
      listener_(listener) {}

Restorer::~Restorer() {
  if (!listener_) return;
  for (const auto& [where, job] : jobs_) listener_->on_suspended(told(where, job));
}

void Restorer::add(TopicPartition where, Offset from, Offset target, state::Store& store,
                   std::optional<LastApplied> last) {
  Job job{std::nullopt, from, std::max(from, target), &store, clock_.monotonic(), last};
  if (listener_) listener_->on_start(told(where, job));
  const Offset first = last ? last->offset : from;
  if (first >= target) {  // nothing to read: a position would never be told
    if (listener_) listener_->on_end(told(where, job));
    return;
  }
  MR_FAILPOINT("restore.begin");
  job.partition = reader_->start(where, first);
  jobs_.emplace(std::move(where), job);
}

Restore Restorer::told(const TopicPartition& where, const Job& job) const {
  const Offset position = job.partition ? reader_->position(*job.partition) : job.from;
  Restore restore;
  restore.store = job.store->name();
  restore.changelog = where;
  restore.start = job.from;
  restore.end = job.target;
  restore.position = std::clamp(position, job.from, job.target);
  restore.restored = restore.position.value() - job.from.value();
  restore.total = job.target.value() - job.from.value();
  if (restore.restored > 0) {
    const double rest_per_done = static_cast<double>(restore.total - restore.restored) /
                                 static_cast<double>(restore.restored);
    const auto so_far = static_cast<double>((clock_.monotonic() - job.begun).count());
    restore.remaining = Duration(static_cast<Duration::rep>(so_far * rest_per_done));
  }
  return restore;
}

void Restorer::cancel(const TopicPartition& where) {
  const auto job = jobs_.find(where);
  if (job == jobs_.end()) return;
  if (listener_) listener_->on_suspended(told(where, job->second));
  reader_->stop(*job->second.partition);
  jobs_.erase(job);
}

std::vector<Restorer::Jobs::iterator> Restorer::nearest_first() {
  std::vector<std::pair<std::int64_t, Jobs::iterator>> jobs;
  for (auto it = jobs_.begin(); it != jobs_.end(); ++it) {
    jobs.emplace_back(it->second.target - reader_->position(*it->second.partition), it);
  }
  std::stable_sort(jobs.begin(), jobs.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Jobs::iterator> nearest;
  for (const auto& [gap, it] : jobs) nearest.push_back(it);
  return nearest;
}

Status Restorer::apply(Job& job, const RecordView& record) {
  if (job.last && record.offset <= job.last->offset) {
    if (record.offset < job.last->offset || record.timestamp == job.last->stamped)
      return Status::success();
    return Status::fatal(
        "the record there is another than the one that the store on disk was filled from: the "
        "topic was made anew. Neither was touched");
  }
  ++records_;
  if (!record.key) return Status::fatal("a record without a key, which no store wrote");
  return job.store->restore(*record.key, record.value, record.timestamp, record.offset);
}

bool Restorer::pump(std::size_t max_records) {
  bool moved = false;
  std::size_t left = max_records;
  for (const Jobs::iterator it : nearest_first()) {
    if (left == 0) break;
    Job& job = it->second;
    std::string failure;
    reader_->drain(*job.partition, left, batch_);
    left -= std::min(left, batch_.size());
    moved = moved || !batch_.empty();
    const std::int64_t before = records_;
    for (const RecordView& record : batch_) {
      if (record.offset >= job.target) break;
      const Status applied = apply(job, record);
      if (applied.ok()) continue;
      failure = "changelog " + to_string(it->first) + "@" + std::to_string(record.offset.value());
      if (job.last && record.offset == job.last->offset) {
        failure += ": " + applied.message() + ". Delete the task's directory to restore store " +
                   job.store->name() + " from the topic as it is now";
        break;
      }
      failure += (record.key ? ", a key of " + std::to_string(record.key->size()) + " bytes" : "") +
                 ": " + applied.message() +
                 ". The state was not touched further; mend the serde or the topic of store " +
                 job.store->name() + " so that it reads what it wrote before";
      break;
    }
    if (!failure.empty()) {
      const TopicPartition where = it->first;
      fail(where, std::move(failure));
      moved = true;
      continue;
    }
    if (!batch_.empty()) {
      MR_FAILPOINT("restore.batch");
      if (listener_) listener_->on_batch(told(it->first, job), records_ - before);
    }
    if (reader_->position(*job.partition) >= job.target) {
      MR_FAILPOINT("restore.end");
      if (listener_) listener_->on_end(told(it->first, job));
      reader_->stop(*job.partition);
      jobs_.erase(it);
      moved = true;
    }
  }
  return moved;
}

void Restorer::fail(TopicPartition where, std::string why) {
  cancel(where);
  failures_.push_back({std::move(where), std::move(why)});
}

bool Restorer::handle(const log::Event& event) {
  if (event.epoch != reader_->epoch()) return false;
  const auto job_of = [&](log::ReaderPartition partition) {
    return std::find_if(jobs_.begin(), jobs_.end(),
                        [&](const auto& job) { return job.second.partition == partition; });
  };
  if (const auto* range = std::get_if<log::OffsetOutOfRange>(&event.what)) {
    if (const auto job = job_of(range->partition); job != jobs_.end()) {
      fail(job->first, "changelog " + to_string(job->first) + ": offset " +
                           std::to_string(range->requested.value()) + " is gone, so store " +
                           job->second.store->name() +
                           " cannot be rebuilt in full. Nothing was overwritten; find out who "
                           "deleted the records");
    }
  } else if (const auto* failed = std::get_if<log::ReadFailed>(&event.what)) {
    if (const auto job = job_of(failed->partition); job != jobs_.end()) {
      fail(job->first,
           "changelog " + to_string(job->first) + " cannot be read: " + event.status.message());
    }
  }
  return true;
}

}  // namespace millrace::worker
