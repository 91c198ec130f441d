#include "crash/feed.h"

namespace crash {

namespace {

constexpr int kCustomers = 20;
constexpr int kProducts = 30;

// SplitMix64.
class Random {
 public:
  Random(std::uint64_t seed, std::int64_t number)
      : state_(seed * 0x9e3779b97f4a7c15 + static_cast<std::uint64_t>(number)) {
    next();
  }
  int below(int bound) { return static_cast<int>(next() % static_cast<std::uint64_t>(bound)); }
  bool one_in(int n) { return below(n) == 0; }

 private:
  std::uint64_t next() {
    std::uint64_t x = state_ += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }
  std::uint64_t state_;
};

}  // namespace

std::vector<FedRecord> transaction(std::uint64_t seed, std::int64_t number) {
  Random random(seed, number);
  std::vector<FedRecord> records;
  for (int i = 0; i < kRecordsPerTransaction; ++i) {
    const std::string n = std::to_string(number * kRecordsPerTransaction + i);
    const std::int64_t now = 1'000'000 + number * 20 + i * 2;
    FedRecord record{.topic = "orders",
                     .key = "c" + std::to_string(random.below(kCustomers)),
                     .value = std::nullopt,
                     .timestamp = now - random.below(200)};
    if (random.one_in(7)) {
      record.topic = "customers";
      if (!random.one_in(10)) record.value = "v" + n;
    } else {
      record.value = n + "|p" + std::to_string(random.below(kProducts)) + '|' +
                     std::to_string(1 + random.below(100));
      if (random.one_in(40)) *record.value += random.one_in(2) ? kFailsInJoin : kFailsInSessions;
      if (random.one_in(20)) record.timestamp = now - random.below(8'000);
      if (random.one_in(100)) record.key.reset();
    }
    records.push_back(std::move(record));
  }
  return records;
}

bool is_aborted_first(std::uint64_t seed, std::int64_t number) {
  return Random(~seed, number).one_in(10);
}

}  // namespace crash
