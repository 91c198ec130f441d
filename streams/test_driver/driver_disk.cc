#include "test_driver/driver_disk.h"

namespace millrace::detail {

namespace {
constexpr std::size_t kMemory = std::size_t{1} << 40;
}  // namespace

DriverDisk::DriverDisk(std::uint64_t seed)
    : random_(seed),
      machines_{state::MemoryDiskHost({seed}), state::MemoryDiskHost({seed + 1})},
      memory_(kMemory),
      others_(memory_, state::MemoryUse::kRocksDb) {}

void DriverDisk::put_below(worker::WorkerOptions& options) {
  options.disks = &machines_[machine_];
  options.memory = &memory_;
}

void DriverDisk::squeeze() { others_.set(random_() % 2 == 0 ? 0 : kMemory); }

void DriverDisk::idle(worker::TaskSet& tasks) {
  for (auto& [id, entry] : tasks.entries()) {
    if (entry.state != worker::TaskState::kRunning) continue;
    if (random_() % 2 == 0) entry.task->hurry_disk();
    for (auto rounds = random_() % 8; rounds > 0; --rounds) entry.task->evict(kMemory);
  }
}

void DriverDisk::restart() {
  const auto fate = random_() % 4;
  if (fate == 0) machine_ = 1 - machine_;
  if (fate <= 2) machines_[machine_].crash();
}

std::int64_t DriverDisk::reads() const { return machines_[0].reads() + machines_[1].reads(); }

}  // namespace millrace::detail
