#include "log/memory/schedule.h"

namespace millrace::log::memory {

namespace {
constexpr std::uint64_t kMostStepsLate = 8;
}

bool Schedule::step() {
  ++step_;
  bool done = ring_alarms();
  if (!done && !due_.empty() && due_.begin()->first.step > step_) step_ = due_.begin()->first.step;
  while (!due_.empty() && due_.begin()->first.step <= step_) {
    Actor& actor = *due_.begin()->second;
    due_.erase(due_.begin());
    actor.turn_.reset();
    actor.woken_ = false;
    actor.act();
    done = true;
  }
  return done;
}

std::optional<Duration> Schedule::next_alarm() const {
  if (alarms_.empty()) return std::nullopt;
  return alarms_.begin()->first.at;
}

bool Schedule::ring_alarms() {
  bool done = false;
  const Duration now = clock_.monotonic();
  while (!alarms_.empty() && alarms_.begin()->first.at <= now) {
    Alarm& alarm = *alarms_.begin()->second;
    alarm.clear();
    const std::function<void()> ring = alarm.ring_;  // the call may destroy the alarm
    ring();
    done = true;
  }
  return done;
}

void Schedule::wake(Actor& actor) {
  actor.woken_ = true;
  if (!hostility_.shuffles()) {
    enter(actor, step_ + 1, 0);
    return;
  }
  Random& random = hostility_.random();
  std::uint64_t step = step_ + 1;
  if (random.percent(hostility_.options().late_percent)) {
    ++hostility_.counts().late;
    step += 1 + random.below(kMostStepsLate);
    const Duration most = hostility_.options().late_by_at_most;
    if (most > Duration(0)) {
      if (!actor.later_) {
        actor.later_ = std::make_unique<Alarm>(
            *this, [this, &actor] { enter(actor, step_, hostility_.random().next()); });
      }
      actor.later_->set(now() + Duration(1 + static_cast<Duration::rep>(random.below(
                                                 static_cast<std::uint64_t>(most.count())))));
      return;
    }
  }
  enter(actor, step, random.next());
}

void Schedule::enter(Actor& actor, std::uint64_t step, std::uint64_t draw) {
  actor.turn_ = Turn{step, draw, order_++};
  due_.emplace(*actor.turn_, &actor);
}

void Alarm::set(Duration at) {
  clear();
  at_ = Schedule::Ring{at, schedule_.order_++};
  schedule_.alarms_.emplace(*at_, this);
}

void Alarm::clear() {
  if (at_) schedule_.alarms_.erase(*at_);
  at_.reset();
}

Actor::~Actor() {
  if (turn_) schedule_.due_.erase(*turn_);
}

}  // namespace millrace::log::memory
