// Who acts when. An actor that has something to do asks to be woken and acts once in a later
// step(); plain: in the next, in the order of asking; hostile: late and in any order. Each object
// of the memory log with a life of its own is one actor and does its own things one after the
// other, so lateness never changes the order of one object's operations.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "log/memory/hostility.h"
#include "millrace/clock.h"

namespace millrace::log::memory {

class Actor;
class Alarm;

class Schedule {
 public:
  Schedule(const Clock& clock, Hostility& hostility) : clock_(clock), hostility_(hostility) {}
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  // Effect: rings the alarms whose time has come, then lets act all that are due; where none is due
  // in this step but some are later, the count of steps jumps to them. Returns whether anything was
  // done.
  bool step();

  // On the clock's monotonic side.
  std::optional<Duration> next_alarm() const;
  Duration now() const { return clock_.monotonic(); }

 private:
  friend class Actor;
  friend class Alarm;
  struct Turn {
    std::uint64_t step;
    std::uint64_t draw;  // chance among those of one step; 0 where nothing is shuffled
    std::uint64_t order;
    friend auto operator<=>(const Turn&, const Turn&) = default;
  };
  struct Ring {
    Duration at;
    std::uint64_t order;
    friend auto operator<=>(const Ring&, const Ring&) = default;
  };

  void wake(Actor& actor);
  void enter(Actor& actor, std::uint64_t step, std::uint64_t draw);
  bool ring_alarms();

  const Clock& clock_;
  Hostility& hostility_;
  std::uint64_t step_ = 0;
  std::uint64_t order_ = 0;
  std::map<Turn, Actor*> due_;
  std::map<Ring, Alarm*> alarms_;
};

// A time-out: calls back inside step() once the clock has reached it.
class Alarm {
 public:
  Alarm(Schedule& schedule, std::function<void()> ring)
      : schedule_(schedule), ring_(std::move(ring)) {}
  ~Alarm() { clear(); }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  // Effect: sets the time, in place of an earlier one.
  void set(Duration at);
  void clear();
  bool is_set() const { return at_.has_value(); }

 private:
  friend class Schedule;
  Schedule& schedule_;
  std::function<void()> ring_;
  std::optional<Schedule::Ring> at_;
};

class Actor {
 public:
  explicit Actor(Schedule& schedule) : schedule_(schedule) {}
  virtual ~Actor();
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

  // Effect: act() follows in a later step; asked for twice before, it comes once.
  void wake() {
    if (!woken_) schedule_.wake(*this);
  }

 protected:
  Schedule& schedule() const { return schedule_; }

 private:
  friend class Schedule;
  virtual void act() = 0;

  Schedule& schedule_;
  bool woken_ = false;
  std::optional<Schedule::Turn> turn_;
  std::unique_ptr<Alarm> later_;  // late by the clock
};

}  // namespace millrace::log::memory
