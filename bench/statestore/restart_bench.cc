// How long a task waits for its store after a restart: the store has a million keys on disk and the
// changelog nothing new. From the host's opening to a table that answers, in milliseconds.
//
//   restart_bench [keys]
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>

#include "millrace/detail/rocks_disk_host.h"

namespace {

using namespace millrace;
using Steady = std::chrono::steady_clock;

class Waiter {
 public:
  std::function<void()> wake() {
    return [this] {
      const std::lock_guard lock(mutex_);
      woken_.notify_all();
    };
  }
  template <class F>
  void wait(F what) {
    std::unique_lock lock(mutex_);
    woken_.wait(lock, what);
  }

 private:
  std::mutex mutex_;
  std::condition_variable woken_;
};

double ms_since(Steady::time_point begin) {
  return std::chrono::duration<double, std::milli>(Steady::now() - begin).count();
}

// Opens the store, calls f with its table, and closes it again. Returns the time to open, in ms.
template <class F>
double with_table(const std::filesystem::path& directory, F f) {
  Waiter waiter;
  const auto begin = Steady::now();
  auto host = state::RocksDiskHost::open({.directory = directory});
  if (!host.ok()) {
    std::fprintf(stderr, "%s\n", host.status().message().c_str());
    std::exit(1);
  }
  auto task =
      host.value()->open_task({"in-0", {{"counts", {{"kind", "key-value"}}}}}, waiter.wake());
  waiter.wait([&] { return task->state() != state::TaskDisk::State::kOpening; });
  state::DiskTable& table = task->table("counts");
  Bytes value;
  Timestamp timestamp;
  table.get("key-500000", value, timestamp);
  const double opened = ms_since(begin);
  f(table, waiter);
  return opened;
}

}  // namespace

int main(int argc, char** argv) {
  const int keys = argc > 1 ? std::atoi(argv[1]) : 1'000'000;
  const auto directory = std::filesystem::temp_directory_path() / "millrace-restart-bench";
  std::filesystem::remove_all(directory);
  const auto begin = Steady::now();
  with_table(directory, [&](state::DiskTable& table, Waiter& waiter) {
    state::BatchNumber last;
    for (int i = 0; i < keys;) {
      state::CommitBatch batch;
      for (int end = std::min(keys, i + 10'000); i < end; ++i)
        batch.put("key-" + std::to_string(i * 7919 % keys), Bytes(40, 'v'), from_ms(i));
      batch.covers(Offset(i));
      last = table.submit(std::move(batch));
    }
    table.hurry();
    waiter.wait([&] { return table.applied() >= last; });
  });
  std::printf("%d keys written and closed: %.0f ms\n", keys, ms_since(begin));
  for (int i = 0; i < 3; ++i) {
    std::printf("restart %d: %.1f ms\n", i + 1,
                with_table(directory, [](state::DiskTable&, Waiter&) {}));
  }
  std::filesystem::remove_all(directory);
}
