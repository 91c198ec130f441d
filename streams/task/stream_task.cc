#include "task/stream_task.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace millrace::task {

namespace {

DeadLetters dead_letters(TaskId id, const TaskEnvironment& environment) {
  const std::string& topic = environment.errors.dead_letter_topic;
  return {id, environment.output, topic, topic.empty() ? 0 : environment.plan.partitions.at(topic)};
}

constexpr std::string_view kDropPrefix = "drop/";
// Of a store's purge bound in task memory and beside committed offsets.
constexpr std::string_view kPurgeBoundSuffix = ":p";

std::vector<StreamTask::DroppedRecords> drop_counts(
    const std::vector<state::TaskMemory::Entry>& entries) {
  std::vector<StreamTask::DroppedRecords> dropped;
  for (const auto& [name, count] : entries) {
    if (count > 0) dropped.push_back({name.substr(kDropPrefix.size()), count});
  }
  return dropped;
}

}  // namespace

StreamTask::StreamTask(TaskId id, const TaskEnvironment& environment)
    : id_(id),
      environment_(environment),
      subtopology_(environment.graph.subtopologies()[static_cast<std::size_t>(id.subtopology)]),
      stream_time_(memory_.add("stream-time", state::Persisted::kNo)),
      number_(memory_.add(kTransactionNumberName, state::Persisted::kYes)),
      graph_(environment.graph, subtopology_),
      punctuations_(memory_),
      blame_(id, {environment.errors, *environment.logger, sources_, *this,
                  dead_letters(id, environment)}),
      savepoint_(memory_, environment.output) {
  const graph::SubtopologyPlan& plan =
      environment.plan.subtopologies[static_cast<std::size_t>(id.subtopology)];
  for (const std::string& topic : subtopology_.source_topics) {
    const std::string name =
        graph::full_topic_name(environment.graph, environment.application_id, topic);
    if (id.partition >= Partition(plan.source_partitions.at(name))) continue;
    if (name == plan.anchor_topic) anchor_ = sources_.size();
    sources_.push_back({name, id.partition});
    source_names_.push_back(topic);
  }
  for (const std::string& name : subtopology_.stores) {
    const auto changelog = plan.changelogs.find(name);
    if (changelog == plan.changelogs.end()) continue;
    const bool windowed =
        environment.graph.store(name).cleanup != graph::ChangelogCleanup::kCompact;
    changelogs_.push_back(
        {name, {changelog->second, id.partition}, nullptr, nullptr, {}, windowed, kNoOffset});
    if (windowed) {
      changelogs_.back().purge_bound =
          memory_.add(name + std::string(kPurgeBoundSuffix), state::Persisted::kYes);
    }
    changelog_targets_.push_back(environment.output.add_topic(
        changelog->second, environment.plan.partitions.at(changelog->second)));
  }
  queues_.resize(sources_.size());
  for (std::size_t i = 0; i < sources_.size(); ++i) passed_by_.emplace_back(blame_, i);
  open_disk(plan);
  if (!disk_) make_stores();
}

StreamTask::~StreamTask() { close(); }

void StreamTask::load(std::size_t source, Offset next, const CommitMetadata& metadata) {
  queues_[source] =
      std::make_unique<RecordQueue>(sources_[source], next, memory_, &passed_by_[source]);
  queues_[source]->load_partition_time(metadata.partition_time);
  // The partitions' times seed the task's stream time (SEMANTICS R-T2).
  memory_.raise(stream_time_, metadata.partition_time);
  for (const auto& [name, value] : metadata.entries) memory_.load(name, value);
}

void StreamTask::start(Timestamp wall) {
  wall_ = wall;
  build_graph();
  memory_.commit();
}

void StreamTask::build_graph() {
  punctuations_.begin_init();
  graph_.build(*this);
  punctuations_.end_init();
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    graph::SourceNodeBase& source = graph_.source(source_names_[i]);
    passed_by_[i].set_node(source.name(), source.logs_dropped_times());
    queues_[i]->attach(source.make_slot(), drop_counter(source, graph::DropReason::kNullKey),
                       drop_counter(source, graph::DropReason::kNullValue),
                       drop_counter(source, graph::DropReason::kNegativeTimestamp));
  }
}

std::size_t StreamTask::retained_bytes() const {
  std::size_t bytes = 0;
  for (const auto& queue : queues_) bytes += queue ? queue->bytes() : 0;
  return bytes;
}

StreamTask::Step StreamTask::step(const CaughtUp& caught_up, Now now) {
  if (!replaying()) wall_ = now.wall;
  bool rehearsed = !environment_.rehearse_steps;
  for (;;) {
    Step outcome{Step::Kind::kIdle, false, {}, {}};
    std::optional<WorkItem> chosen;
    try {
      chosen = choose(caught_up, now, outcome);
    } catch (...) {
      outcome.failure = failed_to_decode();
      // Nothing has happened yet: it goes on without it.
      outcome.kind = outcome.failure.left_out() ? Step::Kind::kLeftOut : Step::Kind::kFailed;
      return outcome;
    }
    if (!chosen) return outcome;
    if (!rehearsed && !replaying()) {
      rehearsed = true;
      if (rehearse(*chosen)) continue;
      outcome.kind = Step::Kind::kFailed;
      outcome.failure.action = ErrorAction::kSkip;  // only an abort helps
      return outcome;
    }
    if (std::optional<Failure> failure = attempt(*chosen)) {
      outcome.kind =
          take_back_last() && failure->left_out() ? Step::Kind::kLeftOut : Step::Kind::kFailed;
      outcome.failure = std::move(*failure);
    } else {
      outcome.kind = Step::Kind::kRan;
      outcome.punctuated = chosen->kind == WorkItem::Kind::kPunctuation;
    }
    return outcome;
  }
}

std::optional<Failure> StreamTask::attempt(const WorkItem& item) {
  try {
    run(item, guarded());
  } catch (...) {
    return failed_to_run();
  }
  if (!savepoint_.is_set()) return std::nullopt;
  if (const auto unwritable = savepoint_.find_unwritable()) {
    return blame_last(ErrorPhase::kProduction, unwritable->store, unwritable->error);
  }
  savepoint_.release();
  return std::nullopt;
}

void StreamTask::run(const WorkItem& item, bool with_savepoint) {
  busy_ = item;
  wall_ = item.wall;
  const bool is_record = item.kind == WorkItem::Kind::kRecord;
  before_last_ = std::exchange(last_, {item, is_record ? queues_[item.queue()]->taken() : 0});
  steps_.taken(item);
  if (with_savepoint) savepoint_.set();
  if (is_record) {
    RecordQueue& queue = *queues_[item.queue()];
    queue.stamp(item.wall);
    memory_.raise(stream_time_, to_ms(queue.context().timestamp));
    queue.process();
  } else if (item.left_out != 0) {
    pass_by(item);
  } else {
    punctuations_.run(item.of, stream_time(), item.wall);
  }
}

// A schedule that was made outside init() may be gone; its dead letter is not.
void StreamTask::pass_by(const WorkItem& punctuation) {
  if (is_due(punctuation)) punctuations_.pass_by(punctuation.of, stream_time(), punctuation.wall);
  blame_.pass_by_punctuation(punctuation.left_out);
}

bool StreamTask::is_due(const WorkItem& punctuation) const {
  return punctuations_.has(punctuation.of) &&
         punctuations_.is_due(punctuation.of, stream_time(), punctuation.wall);
}

std::optional<Timestamp> StreamTask::next_time(Timestamp wall) {
  try {
    wall_ = wall;
    if (const auto replayed = steps_.next()) {
      wall_ = replayed->wall;
      if (replayed->kind == WorkItem::Kind::kPunctuation) return kNoTimestamp;
      if (const auto head = queues_[replayed->queue()]->head()) return head;
    }
    if (punctuations_.due(stream_time(), wall)) return kNoTimestamp;
    std::optional<Timestamp> earliest;
    for (const auto& queue : queues_) {
      const auto head = queue->head();
      if (head && (!earliest || *head < *earliest)) earliest = head;
    }
    return earliest;
  } catch (...) {
    return kNoTimestamp;
  }
}

// What to repeat next; nullopt: nothing, or there is no old order any more.
std::optional<WorkItem> StreamTask::next_replayed() {
  while (const auto item = steps_.next()) {
    busy_ = *item;
    wall_ = item->wall;  // a source may ask for it
    if (item->kind == WorkItem::Kind::kPunctuation) {
      // One that is not due: the record that moved the time to it is left out. One that is not there,
      // made in an earlier transaction and not in init(), ended with the abort; its dead letter did not.
      if (punctuations_.has(item->of) ? is_due(*item) : item->left_out != 0) return item;
      steps_.skip_next();
    } else if (const auto due = punctuations_.due(stream_time(), item->wall)) {
      return WorkItem::punctuation(*due,
                                   item->wall);  // of a record that is left out now it came later
    } else if (queues_[item->queue()]->head()) {
      return item;
    } else {
      steps_.stop_replay();  // a timestamp extractor dropped what it took before
    }
  }
  return std::nullopt;
}

// A punctuation that is due; else the record of the queue whose head is earliest, the first of equals
// (SEMANTICS R-T4, R-P1). An empty queue may make the task wait (R-T5). In a replay: what was taken
// before.
std::optional<WorkItem> StreamTask::choose(const CaughtUp& caught_up, Now now, Step& outcome) {
  if (const auto replayed = next_replayed()) return replayed;
  if (const auto due = punctuations_.due(stream_time(), now.wall)) {
    return WorkItem::punctuation(*due, now.wall);
  }
  std::optional<std::size_t> earliest;
  Timestamp least{};
  bool some_empty = false;
  bool known_empty = true;
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    busy_ = WorkItem::record(i, now.wall);  // a decoder may throw: whose record it was
    const auto head = queues_[i]->head();
    if (!head) {
      some_empty = true;
      known_empty = known_empty && caught_up[i];
    } else if (!earliest || *head < least) {
      earliest = i;
      least = *head;
    }
  }
  if (!earliest) return std::nullopt;
  const WorkItem record = WorkItem::record(*earliest, now.wall);
  if (!some_empty || environment_.max_task_idle < Duration::zero()) {
    idle_since_.reset();
    return record;
  }
  outcome.kind = Step::Kind::kWaiting;
  if (!known_empty) {
    idle_since_.reset();
    return std::nullopt;
  }
  if (!idle_since_) idle_since_ = now.monotonic;
  const Duration until = *idle_since_ + environment_.max_task_idle;
  if (now.monotonic >= until) return record;
  outcome.wait_until = until;
  return std::nullopt;
}

graph::ScheduleId StreamTask::schedule(const graph::Node& node, Duration interval,
                                       PunctuationType type, graph::Punctuator f) {
  return punctuations_.add(node, interval, type, std::move(f), stream_time(), wall_);
}

graph::OpenedStore StreamTask::open_store(std::string_view name) {
  const graph::StoreSpec& spec = environment_.graph.store(name);
  return {store(name), spec.key_type, spec.value_type, spec.key_serde.get()};
}

bool StreamTask::has_progress() const {
  const auto progressed = [](const auto& queue) { return queue->has_progress(); };
  const auto changed = [](const auto& store) { return store.second->has_changes(); };
  return steps_.any_taken() || std::any_of(queues_.begin(), queues_.end(), progressed) ||
         std::any_of(stores_.begin(), stores_.end(), changed);
}

std::optional<std::string> StreamTask::append_offsets(std::vector<log::OffsetToCommit>& offsets,
                                                      Writer writer) {
  memory_.set(number_, next_transaction_number(memory_[number_], writer));
  for (const Changelog& changelog : changelogs_) {
    if (changelog.given_up != kNoOffset)
      memory_.raise(changelog.purge_bound, changelog.given_up.value());
  }
  const std::vector<state::TaskMemory::Entry> entries = memory_.persisted();
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    const RecordQueue& queue = *queues_[i];
    if (committed_once_ && i != anchor_ && !queue.has_progress()) continue;
    std::string metadata = encode({queue.partition_time(), entries});
    if (metadata.size() > kMaxMetadataCharacters) {
      return "task " + to_string(id_) + ": the times of its " + std::to_string(entries.size()) +
             " operators need " + std::to_string(metadata.size()) +
             " characters beside the offset of " + to_string(queue.where()) +
             ", and a broker takes " + std::to_string(kMaxMetadataCharacters) +
             ": shorten the names of stores, or split the topology with a repartition topic";
    }
    offsets.push_back({queue.where(), queue.next_offset(), std::move(metadata)});
  }
  return std::nullopt;
}

void StreamTask::commit(const std::vector<log::WrittenRange>& written) {
  for (Changelog& changelog : changelogs_) {
    const auto range =
        std::find_if(written.begin(), written.end(),
                     [&](const log::WrittenRange& r) { return r.where == changelog.where; });
    changelog.cells->commit(range == written.end()
                                ? state::ChangelogRange{}
                                : state::ChangelogRange{range->first, range->last});
    // Only now the store knows where the windows begin that this commit wrote first.
    if (changelog.windowed)
      changelog.given_up = changelog.cells->purge_below().value_or(changelog.given_up);
  }
  for (state::Store* cells : unlogged_) cells->commit({});
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    queues_[i]->commit();
    blame_.commit(i, queues_[i]->next_offset());
  }
  blame_.commit(replaying());
  steps_.commit();
  commit_requested_ = false;
  guarded_commits_ = std::max(guarded_commits_ - 1, 0);
  memory_.commit();
  committed_once_ = true;
}

void StreamTask::abort() {
  close_graph();
  for (const auto& [name, cells] : stores_) cells->abort();
  memory_.abort();
  for (const auto& queue : queues_) queue->abort();
  steps_.abort();
  blame_.abort();
  commit_requested_ = false;
  idle_since_.reset();
  build_graph();
}

void StreamTask::close_graph() {
  for (const auto& queue : queues_) {
    if (queue) queue->detach();
  }
  punctuations_.clear();
  graph_.reset();
}

void StreamTask::close() {
  close_graph();
  for (const auto& [name, cells] : stores_) cells->abort();
}

std::vector<StreamTask::DroppedRecords> StreamTask::dropped() const {
  return drop_counts(memory_.entries(kDropPrefix));
}

std::vector<StreamTask::DroppedRecords> StreamTask::dropped_and_committed() const {
  return drop_counts(memory_.committed_entries(kDropPrefix));
}

std::vector<StreamTask::PurgeableChangelog> StreamTask::purgeable() const {
  std::vector<PurgeableChangelog> purgeable;
  for (const Changelog& changelog : changelogs_) {
    if (const Offset bound = purge_bound(changelog); bound != kNoOffset)
      purgeable.push_back({changelog.where, bound});
  }
  return purgeable;
}

state::Store* StreamTask::store(std::string_view name) {
  const auto found = stores_.find(name);
  return found == stores_.end() ? nullptr : found->second.get();
}

graph::SinkTarget StreamTask::sink(std::string_view topic) {
  const std::string name =
      graph::full_topic_name(environment_.graph, environment_.application_id, topic);
  graph::SinkTarget target =
      environment_.output.add_topic(name, environment_.plan.partitions.at(name));
  const graph::RepartitionSpec* repartition = environment_.graph.repartition(topic);
  target.keep_null_keys = repartition != nullptr && repartition->keep_null_keys;
  return target;
}

}  // namespace millrace::task
