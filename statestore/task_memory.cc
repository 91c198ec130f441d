#include "millrace/detail/task_memory.h"

#include <algorithm>

#include "millrace/detail/assert.h"

namespace millrace::state {

MemorySlot TaskMemory::add(std::string_view name, Persisted persisted) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].name != name) continue;
    MILLRACE_ASSERT(slots_[i].persisted == persisted,
                    "a slot of task memory is persisted for one user and not for another");
    return MemorySlot(static_cast<std::int32_t>(i));
  }
  std::int64_t value = kUnknown;
  if (persisted == Persisted::kYes) {
    const auto early = std::find_if(loaded_early_.begin(), loaded_early_.end(),
                                    [&](const Entry& entry) { return entry.name == name; });
    if (early != loaded_early_.end()) {
      value = early->value;
      loaded_early_.erase(early);
    }
  }
  slots_.push_back({std::string(name), persisted});
  current_.push_back(value);
  committed_.push_back(value);
  return MemorySlot(static_cast<std::int32_t>(slots_.size() - 1));
}

void TaskMemory::roll_back() {
  const auto made_later = static_cast<std::ptrdiff_t>(saved_.size());
  std::copy(saved_.begin(), saved_.end(), current_.begin());
  std::copy(committed_.begin() + made_later, committed_.end(), current_.begin() + made_later);
}

std::vector<TaskMemory::Entry> TaskMemory::persisted() const {
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].persisted == Persisted::kNo || current_[i] == kUnknown) continue;
    entries.push_back({slots_[i].name, current_[i]});
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

std::vector<TaskMemory::Entry> TaskMemory::entries(std::string_view prefix) const {
  return entries(prefix, current_);
}

std::vector<TaskMemory::Entry> TaskMemory::committed_entries(std::string_view prefix) const {
  return entries(prefix, committed_);
}

std::vector<TaskMemory::Entry> TaskMemory::entries(std::string_view prefix,
                                                   const std::vector<std::int64_t>& values) const {
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].name.starts_with(prefix)) entries.push_back({slots_[i].name, values[i]});
  }
  return entries;
}

void TaskMemory::load(std::string_view name, std::int64_t value) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].name != name) continue;
    if (slots_[i].persisted == Persisted::kNo) return;
    current_[i] = std::max(current_[i], value);
    committed_[i] = std::max(committed_[i], value);
    return;
  }
  for (Entry& entry : loaded_early_) {
    if (entry.name != name) continue;
    entry.value = std::max(entry.value, value);
    return;
  }
  loaded_early_.push_back({std::string(name), std::max(value, kUnknown)});
}

}  // namespace millrace::state
