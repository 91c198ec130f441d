// Strong types for what identifies a place in a log or a piece of work. A bare integer is never an
// offset, a partition or an epoch, and none of them turns into another by itself.
//
//   TopicPartition where{"orders", Partition(3)};
//   Offset next = offset + 1;
//   std::int64_t raw = static_cast<std::int64_t>(next);
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace millrace {

// An integer of its own type: compares with its like, moves by plain integers, converts only
// explicitly. Tag is never defined.
template <class Tag, class Rep>
class StrongInt {
 public:
  constexpr StrongInt() = default;
  constexpr explicit StrongInt(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  constexpr explicit operator Rep() const { return value_; }

  friend constexpr auto operator<=>(StrongInt, StrongInt) = default;
  friend constexpr StrongInt operator+(StrongInt a, Rep b) {
    return StrongInt(static_cast<Rep>(a.value_ + b));
  }
  friend constexpr StrongInt operator-(StrongInt a, Rep b) {
    return StrongInt(static_cast<Rep>(a.value_ - b));
  }
  friend constexpr Rep operator-(StrongInt a, StrongInt b) {
    return static_cast<Rep>(a.value_ - b.value_);
  }
  constexpr StrongInt& operator++() {
    ++value_;
    return *this;
  }

 private:
  Rep value_{};
};

// Position of a record in its partition; offsets grow but have gaps (commit markers, compaction).
using Offset = StrongInt<struct OffsetTag, std::int64_t>;
using Partition = StrongInt<struct PartitionTag, std::int32_t>;

// "No committed offset": distinct from every real offset.
inline constexpr Offset kNoOffset{-1};

struct TopicPartition {
  std::string topic;
  Partition partition;

  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

// A task: one sub-topology and one partition of its source topics. Text form "1_0".
struct TaskId {
  std::int32_t subtopology = 0;
  Partition partition;

  friend auto operator<=>(const TaskId&, const TaskId&) = default;
};

// Text for messages: "orders-3", "1_0".
std::string to_string(const TopicPartition& tp);
std::string to_string(TaskId id);

}  // namespace millrace

template <class Tag, class Rep>
struct std::hash<millrace::StrongInt<Tag, Rep>> {
  std::size_t operator()(millrace::StrongInt<Tag, Rep> v) const noexcept {
    return std::hash<Rep>()(v.value());
  }
};

template <>
struct std::hash<millrace::TopicPartition> {
  std::size_t operator()(const millrace::TopicPartition& tp) const noexcept {
    return std::hash<std::string>()(tp.topic) * 31 + std::hash<millrace::Partition>()(tp.partition);
  }
};
