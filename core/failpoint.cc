#include "millrace/detail/failpoint.h"

#ifdef MILLRACE_FAILPOINTS

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <thread>

namespace millrace::failpoint {

namespace {
enum class Action { kOff, kKill, kThrow, kError, kDelay, kPrint };

// One site's line in the file of hits.
struct CountedSite {
  std::array<char, kLongestName + 1> name;
  std::atomic<std::uint64_t> hits;
  std::atomic<std::uint64_t> acted;
};
static_assert(sizeof(CountedSite) == 64);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
}  // namespace

struct Orders {
  Action action = Action::kOff;
  int argument = 0;  // an error code; milliseconds
  std::uint64_t after = 0;
  std::uint64_t one_in = 1;
  bool once = false;
  std::uint64_t seed = 0;

  std::atomic<std::uint64_t> hits{0};
  std::atomic<std::uint64_t> acted{0};
  CountedSite* in_file = nullptr;
};

namespace {

// Made by the linker around the pointers that MR_FP_SITE leaves; absent in a program without sites.
extern "C" {
extern Site* __start_mr_fp_sites[] __attribute__((weak));
extern Site* __stop_mr_fp_sites[] __attribute__((weak));
}

std::span<Site*> linked() {
  return {__start_mr_fp_sites, static_cast<std::size_t>(__stop_mr_fp_sites - __start_mr_fp_sites)};
}

// Orders are never freed while a site may still hold them; a process has few.
std::map<std::string, std::unique_ptr<Orders>, std::less<>>& all_orders() {
  static std::map<std::string, std::unique_ptr<Orders>, std::less<>> orders;
  return orders;
}

// SplitMix64: whether a hit is acted on depends on nothing but the seed, the site and the number of
// the hit, so threads do not disturb each other's sequence.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

bool to_act(Orders& orders, std::uint64_t hit) {
  if (orders.action == Action::kOff || hit <= orders.after) return false;
  if (orders.one_in > 1 && mixed(orders.seed + hit) % orders.one_in != 0) return false;
  return !orders.once || orders.acted.load() == 0;
}

struct Order {
  std::string name;
  bool prefix = false;
  Orders what;

  bool covers(std::string_view site) const {
    return prefix ? site.starts_with(name) : site == name;
  }
};

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(by);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

template <class Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && number > 0;
}

bool parse_error_code(std::string_view text, int& code) {
  if (text == "ENOSPC") return code = ENOSPC, true;
  if (text == "EDQUOT") return code = EDQUOT, true;
  if (text == "EIO") return code = EIO, true;
  return false;
}

bool parse_action(std::string_view text, Orders& what) {
  if (text == "off") return true;
  if (text == "kill") return what.action = Action::kKill, true;
  if (text == "throw") return what.action = Action::kThrow, true;
  if (text == "print") return what.action = Action::kPrint, true;
  if (!text.ends_with(')')) return false;
  text.remove_suffix(1);
  if (text.starts_with("error(")) {
    what.action = Action::kError;
    return parse_error_code(text.substr(6), what.argument);
  }
  what.action = Action::kDelay;
  return text.starts_with("delay(") && parse(text.substr(6), what.argument);
}

bool parse_option(std::string_view text, Orders& what) {
  if (text == "once") return what.once = true;
  if (text.starts_with("after=")) return parse(text.substr(6), what.after);
  return text.starts_with("p=1/") && parse(text.substr(4), what.one_in);
}

// nullopt and a mistake, or the order.
std::unique_ptr<Order> parse_order(std::string_view text, std::string& mistake) {
  auto order = std::make_unique<Order>();
  const std::size_t equals = text.find('=');
  const auto parts = split(equals == std::string_view::npos ? "" : text.substr(equals + 1), ':');
  std::string_view name = text.substr(0, equals);
  if (parts.empty() || !parse_action(parts.front(), order->what)) {
    mistake =
        "'" + std::string(text) +
        "' is no name=action with off, kill, throw, error(ENOSPC|EDQUOT|EIO), delay(ms), print";
    return nullptr;
  }
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (!parse_option(parts[i], order->what)) {
      mistake = "'" + std::string(parts[i]) + "' is none of after=N, p=1/N, once";
      return nullptr;
    }
  }
  order->prefix = name.ends_with('*');
  if (order->prefix) name.remove_suffix(1);
  order->name = name;
  const auto reaches = [&](const Site* site) {
    return order->covers(site->name()) &&
           (order->what.action != Action::kError || site->can_fail());
  };
  if (std::none_of(linked().begin(), linked().end(), reaches)) {
    mistake = "'" + std::string(text) + "' reaches no site of this program" +
              (order->what.action == Action::kError ? " that can fail" : "");
    return nullptr;
  }
  return order;
}

}  // namespace

int Site::follow_orders() {
  Orders& orders = *orders_.load(std::memory_order_acquire);
  const std::uint64_t hit = orders.hits.fetch_add(1) + 1;
  if (orders.in_file) orders.in_file->hits.fetch_add(1, std::memory_order_relaxed);
  if (!to_act(orders, hit) || (orders.action == Action::kError && !can_fail_)) return 0;
  if (orders.acted.fetch_add(1) > 0 && orders.once) return 0;  // another thread was first
  if (orders.in_file) orders.in_file->acted.fetch_add(1, std::memory_order_relaxed);
  switch (orders.action) {
    case Action::kOff:
      return 0;
    case Action::kKill:
      ::kill(::getpid(), SIGKILL);
      ::pause();  // until it arrives
      return 0;
    case Action::kThrow:
      throw Thrown("failpoint " + std::string(name_));
    case Action::kError:
      return orders.argument;
    case Action::kDelay:
      std::this_thread::sleep_for(std::chrono::milliseconds(orders.argument));
      return 0;
    case Action::kPrint:
      std::fprintf(stderr, "failpoint %.*s, hit %llu\n", static_cast<int>(name_.size()),
                   name_.data(), static_cast<unsigned long long>(hit));
      return 0;
  }
  return 0;
}

std::vector<std::string> sites() {
  std::vector<std::string> names;
  for (const Site* site : linked()) names.emplace_back(site->name());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::optional<std::string> configure(std::string_view text, std::uint64_t seed) {
  std::vector<std::unique_ptr<Order>> given;
  std::string mistakes;
  for (const std::string_view part : split(text, ',')) {
    std::string mistake;
    if (auto order = parse_order(part, mistake)) {
      given.push_back(std::move(order));
    } else {
      mistakes += mistakes.empty() ? mistake : '\n' + mistake;
    }
  }
  if (!mistakes.empty()) return mistakes;

  for (Site* site : linked()) site->order(nullptr);
  all_orders().clear();
  for (Site* site : linked()) {
    auto& orders = all_orders()[std::string(site->name())];
    if (!orders) {
      orders = std::make_unique<Orders>();
      // The last order that names a site holds.
      for (const auto& order : given) {
        if (!order->covers(site->name())) continue;
        orders->action = order->what.action;
        orders->argument = order->what.argument;
        orders->after = order->what.after;
        orders->one_in = order->what.one_in;
        orders->once = order->what.once;
      }
      orders->seed = seed;
      for (const char c : site->name())
        orders->seed = mixed(orders->seed ^ static_cast<unsigned char>(c));
    }
    site->order(orders.get());
  }
  return std::nullopt;
}

std::optional<std::string> count_into(const std::string& file) {
  const auto failed = [&](const char* what) {
    return std::optional<std::string>(std::string(what) + ' ' + file + ": " + std::strerror(errno));
  };
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return failed("open");
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return failed("fstat");
  const std::size_t before = static_cast<std::size_t>(status.st_size) / sizeof(CountedSite);
  const std::size_t room = before + all_orders().size();
  const auto resize = [&](std::size_t entries) {
    return ::ftruncate(descriptor, static_cast<off_t>(entries * sizeof(CountedSite))) == 0;
  };
  if (!resize(room)) return failed("ftruncate");
  void* mapped = ::mmap(nullptr, std::max<std::size_t>(room, 1) * sizeof(CountedSite),
                        PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (mapped == MAP_FAILED) return failed("mmap");
  const std::span<CountedSite> entries(static_cast<CountedSite*>(mapped), room);
  std::size_t used = before;
  for (const auto& [name, orders] : all_orders()) {
    const auto known =
        std::find_if(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(used),
                     [&](const CountedSite& entry) { return name == entry.name.data(); });
    CountedSite& entry =
        known == entries.begin() + static_cast<std::ptrdiff_t>(used) ? entries[used++] : *known;
    std::copy(name.begin(), name.end(), entry.name.begin());
    orders->in_file = &entry;
  }
  // What is behind the last entry is cut off again; nobody touches those pages.
  if (!resize(used)) return failed("ftruncate");
  ::close(descriptor);
  return std::nullopt;
}

std::vector<Count> counts() {
  std::vector<Count> counts;
  for (const auto& [name, orders] : all_orders())
    counts.push_back({name, orders->hits.load(), orders->acted.load()});
  return counts;
}

namespace {

bool configured_from_environment() {
  const char* text = std::getenv("MILLRACE_FAILPOINTS");
  if (text == nullptr) return false;
  const char* seed = std::getenv("MILLRACE_FAILPOINTS_SEED");
  auto mistake = configure(text, seed == nullptr ? 0 : std::strtoull(seed, nullptr, 10));
  const char* file = std::getenv("MILLRACE_FAILPOINTS_HITS");
  if (!mistake && file != nullptr) mistake = count_into(file);
  if (mistake) {
    std::fprintf(stderr, "MILLRACE_FAILPOINTS: %s\n", mistake->c_str());
    std::abort();
  }
  return true;
}

[[maybe_unused]] const bool g_configured = configured_from_environment();

}  // namespace

}  // namespace millrace::failpoint

#endif
