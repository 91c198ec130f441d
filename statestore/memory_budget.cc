#include "millrace/detail/memory_budget.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <string>

namespace millrace::state {

namespace {

std::optional<std::size_t> number_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string word;
  if (!(in >> word)) return std::nullopt;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;  // "max"
  return number;
}

std::optional<std::size_t> memory_of_machine(const std::filesystem::path& root) {
  std::ifstream in(root / "proc/meminfo");
  std::string name;
  std::size_t kib = 0;
  std::string unit;
  while (in >> name >> kib) {
    std::getline(in, unit);
    if (name == "MemTotal:") return kib * 1024;
  }
  return std::nullopt;
}

}  // namespace

std::size_t MemoryBudget::used(MemoryUse use) const {
  const std::int64_t bytes = used_[static_cast<std::size_t>(use)].load(std::memory_order_relaxed);
  // Threads that give and take at once may show less than nothing for a moment.
  return static_cast<std::size_t>(std::max<std::int64_t>(bytes, 0));
}

std::size_t MemoryBudget::used() const {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < kMemoryUses; ++i) sum += used(static_cast<MemoryUse>(i));
  return sum;
}

std::size_t MemoryBudget::over() const {
  const std::size_t now = used();
  return limit_ != 0 && now > limit_ ? now - limit_ : 0;
}

std::size_t memory_of_process(const std::filesystem::path& root) {
  constexpr std::size_t kUnknownMachine = std::size_t{1} << 30;
  std::size_t least = memory_of_machine(root).value_or(kUnknownMachine);

  // A line of /proc/self/cgroup: number:controllers:path. Version 2 has one, without controllers; a
  // container often sees its own group as the root, whatever the path says.
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool version2 = controllers.empty();
    if (!version2 && (',' + controllers + ',').find(",memory,") == std::string::npos) continue;
    const std::filesystem::path mount =
        root / (version2 ? "sys/fs/cgroup" : "sys/fs/cgroup/memory");
    const char* const file = version2 ? "memory.max" : "memory.limit_in_bytes";
    // The tightest limit on the way up holds.
    std::filesystem::path group = std::filesystem::path(line.substr(second + 1)).relative_path();
    for (;; group = group.parent_path()) {
      if (const auto limit = number_in(mount / group / file)) least = std::min(least, *limit);
      if (group.empty()) break;
    }
  }
  return least;
}

}  // namespace millrace::state
