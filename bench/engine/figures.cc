#include "figures.h"

#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace millrace::bench {

namespace {

using namespace std::chrono_literals;

double seconds_of(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Ranks 0 … n-1, rank r in proportion to 1 / (r + 1), by inverting the integral.
class Zipf {
 public:
  explicit Zipf(std::int64_t n) : log_n_(std::log(static_cast<double>(n) + 1)) {}
  std::int64_t operator()(std::mt19937_64& random) {
    return static_cast<std::int64_t>(std::exp(log_n_ * uniform_(random))) - 1;
  }

 private:
  double log_n_;
  std::uniform_real_distribution<double> uniform_{0, 1};
};

// Neighbours in rank are no neighbours in bytes.
std::uint64_t scattered(std::int64_t rank) {
  std::uint64_t x = static_cast<std::uint64_t>(rank) * 0x9e3779b97f4a7c15u;
  x ^= x >> 32;
  return x * 0xd6e8feb86659fd93u;
}

void write_key(std::int64_t rank, std::string& key) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::uint64_t bits = scattered(rank);
  for (std::size_t i = 0; i < 16; ++i, bits >>= 4) key[i] = kDigits[bits & 15];
}

}  // namespace

void figure(const std::string& name, double value, const std::string& unit) {
  std::printf("%-44s %14.*f %s\n", name.c_str(), value < 100 ? 3 : 0, value, unit.c_str());
  std::fflush(stdout);
}

double cpu_seconds() { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }
double wall_seconds() { return seconds_of(CLOCK_MONOTONIC); }

double peak_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

Scratch::Scratch()
    : path_((std::filesystem::temp_directory_path() / "millrace-bench-XXXXXX").string()) {
  if (::mkdtemp(path_.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "making a directory");
  }
}

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void append_input(EmbeddedLog& log, const std::string& topic, const InputShape& shape) {
  log.create_topic(topic, shape.partitions);
  EmbeddedWriter<std::string, std::string> writer(log, Topic<std::string, std::string>(topic));
  std::mt19937_64 random(1);
  Zipf zipf(shape.keys);
  std::string key(16, '0');
  const std::string value(shape.value_bytes, 'x');
  for (std::int64_t i = 0; i < shape.records; ++i) {
    write_key(shape.growing ? i % shape.keys : zipf(random), key);
    const std::int64_t time_ms = 1'600'000'000'000 + i * 1000 / shape.records_per_second_of_time;
    writer.append(key, value, from_ms(time_ms));
    if (i % 1000 == 999 || i + 1 == shape.records) writer.commit();
  }
}

double run_to_end(Streams& app, std::int64_t records) {
  const double before = cpu_seconds();
  app.start();
  while (app.progress().records < records) {
    if (app.state() == Streams::State::kFailed) throw std::runtime_error(app.failure());
    std::this_thread::sleep_for(5ms);
  }
  if (!app.close(60s)) throw std::runtime_error("the application did not stop");
  return cpu_seconds() - before;
}

}  // namespace millrace::bench
