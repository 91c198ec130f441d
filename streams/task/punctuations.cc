#include "task/punctuations.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace millrace::task {

using graph::ScheduleId;

namespace {

// Ids of schedules that are made outside init() begin here: they come after the others.
constexpr ScheduleId kMadeLater = ScheduleId{1} << 32;

constexpr std::int64_t kNever = Punctuations::kNever;

// Both are >= 0; what lies after the end of time never comes.
std::int64_t later(std::int64_t time, std::int64_t interval) {
  return time > kNever - interval ? kNever : time + interval;
}

// The first multiple of `interval` that lies behind `now` >= 0, counted from `from` in [0, now]: one
// call for a jump over several (R-P1). A record's time may be the last that there is.
std::int64_t next_due(std::int64_t from, std::int64_t interval, std::int64_t now) {
  return later(now - (now - from) % interval, interval);
}

}  // namespace

Punctuations::Punctuations(state::TaskMemory& memory)
    : memory_(memory), made_later_(memory.add("schedules", state::Persisted::kNo)) {}

void Punctuations::clear() {
  schedules_.clear();
  made_in_init_.clear();
  running_.reset();
  find_next();
}

ScheduleId Punctuations::add(const graph::Node& node, Duration interval, PunctuationType type,
                             graph::Punctuator f, Timestamp stream_time, Timestamp wall) {
  if (interval < Duration(1)) {
    throw std::invalid_argument("millrace: a punctuation needs an interval of at least 1 ms, not " +
                                std::to_string(interval.count()));
  }
  const bool by_stream_time = type == PunctuationType::kStreamTime;
  Schedule schedule{.node = &node, .interval = interval.count(), .type = type, .f = std::move(f)};
  ScheduleId id = 0;
  if (in_init_) {
    const std::string kind = node.name() + (by_stream_time ? ":p" : ":w");
    const std::string place = std::to_string(made_in_init_[kind]++);
    schedule.due_slot =
        memory_.add(kind + place, by_stream_time ? state::Persisted::kYes : state::Persisted::kNo);
    schedule.cancelled_slot = memory_.add(kind + 'c' + place, state::Persisted::kNo);
    id = schedule.due_slot->value();  // the same after an abort, whatever else init() makes then
  } else {
    const std::int64_t before = std::max<std::int64_t>(memory_[made_later_], 0);
    memory_.set(made_later_, before + 1);
    id = kMadeLater + before;
  }
  take_up(schedule, stream_time, wall);
  schedules_.emplace(id, std::move(schedule));
  find_next();
  return id;
}

// Where a schedule begins, or goes on.
void Punctuations::take_up(Schedule& schedule, Timestamp stream_time, Timestamp wall) {
  const std::int64_t known =
      schedule.due_slot ? memory_[*schedule.due_slot] : state::TaskMemory::kUnknown;
  schedule.cancelled = schedule.cancelled_slot && memory_[*schedule.cancelled_slot] > 0;
  if (schedule.type == PunctuationType::kWallClockTime) {
    schedule.due =
        known == state::TaskMemory::kUnknown ? later(to_ms(wall), schedule.interval) : known;
    if (schedule.due_slot) memory_.set(*schedule.due_slot, schedule.due);
    return;
  }
  schedule.due = std::max<std::int64_t>(known, 0);  // at once
  // The program may have changed its interval since: the old one's due time is no place to wait for.
  if (schedule.due > to_ms(stream_time) && stream_time >= Timestamp{}) {
    schedule.due = std::min(schedule.due, next_due(0, schedule.interval, to_ms(stream_time)));
  }
}

void Punctuations::cancel(ScheduleId id) {
  const auto found = schedules_.find(id);
  if (found == schedules_.end()) return;
  Schedule& schedule = found->second;
  schedule.cancelled = true;
  if (schedule.cancelled_slot) memory_.set(*schedule.cancelled_slot, 1);
  // One that was made in init() keeps its place; one that is at work must not go yet.
  if (!schedule.due_slot && running_ != id) schedules_.erase(found);
  find_next();
}

std::optional<ScheduleId> Punctuations::first_due(Timestamp stream_time, Timestamp wall) const {
  for (const PunctuationType type :
       {PunctuationType::kStreamTime, PunctuationType::kWallClockTime}) {
    const std::int64_t now = to_ms(type == PunctuationType::kStreamTime ? stream_time : wall);
    std::optional<ScheduleId> first;
    std::int64_t least = kNever;
    for (const auto& [id, schedule] : schedules_) {
      if (schedule.type != type || schedule.cancelled || schedule.due > now) continue;
      if (schedule.due < least) {
        least = schedule.due;
        first = id;
      }
    }
    if (first) return first;
  }
  return std::nullopt;
}

void Punctuations::find_next() {
  next_by_stream_time_ = kNever;
  next_by_wall_clock_ = kNever;
  for (const auto& [id, schedule] : schedules_) {
    if (schedule.cancelled) continue;
    auto& next =
        schedule.type == PunctuationType::kStreamTime ? next_by_stream_time_ : next_by_wall_clock_;
    next = std::min(next, schedule.due);
  }
}

std::optional<Timestamp> Punctuations::next_by_wall_clock() const {
  if (next_by_wall_clock_ == kNever) return std::nullopt;
  return from_ms(next_by_wall_clock_);
}

bool Punctuations::has(ScheduleId id) const {
  const auto found = schedules_.find(id);
  return found != schedules_.end() && !found->second.cancelled;
}

bool Punctuations::is_due(ScheduleId id, Timestamp stream_time, Timestamp wall) const {
  const Schedule& schedule = schedules_.at(id);
  const bool by_stream_time = schedule.type == PunctuationType::kStreamTime;
  return schedule.due != kNever && schedule.due <= to_ms(by_stream_time ? stream_time : wall);
}

void Punctuations::pass_by(ScheduleId id, Timestamp stream_time, Timestamp wall) {
  Schedule& schedule = schedules_.at(id);
  const bool by_stream_time = schedule.type == PunctuationType::kStreamTime;
  const Timestamp now = by_stream_time ? stream_time : wall;
  schedule.due = next_due(by_stream_time ? 0 : schedule.due, schedule.interval, to_ms(now));
  if (schedule.due_slot) memory_.set(*schedule.due_slot, schedule.due);
  find_next();
}

void Punctuations::run(ScheduleId id, Timestamp stream_time, Timestamp wall) {
  pass_by(id, stream_time, wall);
  Schedule& schedule = schedules_.at(id);
  const Timestamp now = schedule.type == PunctuationType::kStreamTime ? stream_time : wall;
  running_ = id;
  try {
    schedule.f(now);
  } catch (const graph::NodeError&) {
    running_.reset();
    throw;
  } catch (...) {
    running_.reset();
    throw graph::NodeError(schedule.node->name());
  }
  running_.reset();
  if (schedule.cancelled && !schedule.due_slot) schedules_.erase(id);
}

Timestamp Punctuations::time_of(ScheduleId id, Timestamp stream_time, Timestamp wall) const {
  const auto found = schedules_.find(id);
  const bool by_stream_time =
      found != schedules_.end() && found->second.type == PunctuationType::kStreamTime;
  return by_stream_time ? stream_time : wall;
}

std::string Punctuations::describe(ScheduleId id, Timestamp stream_time, Timestamp wall) const {
  const auto found = schedules_.find(id);
  const bool by_stream_time =
      found != schedules_.end() && found->second.type == PunctuationType::kStreamTime;
  return std::string("the punctuation by ") + (by_stream_time ? "stream time" : "wall-clock time") +
         " at " + std::to_string(to_ms(by_stream_time ? stream_time : wall)) + " ms";
}

}  // namespace millrace::task
