// Failpoints: named places where a test may kill the process, let an operation fail, or wait. They
// exist only in a build with the CMake option MILLRACE_FAILPOINTS; anywhere else the macros expand to
// nothing, and tests/core/check_no_failpoints.py holds the library to that.
//
//   MR_FAILPOINT("commit.before");                                       // kill, throw, delay, print
//   if (const int e = MR_FAILPOINT_ERROR("log.append.before")) return failure(e);   // and error
//
// Only in .cc files, never in inline functions or templates: a site is a static variable that the
// linker collects, so that all sites of a program can be listed without running them. Names are
// "what.where", at most 47 characters; the same name may stand in several places.
//
// A program takes its orders from the environment when it starts:
//
//   MILLRACE_FAILPOINTS       name=action[:option]...[,name=action...]; "" only counts
//       name      a site's, or a beginning of names followed by *
//       action    off | kill | throw | error(ENOSPC) | delay(20) | print
//       option    after=N  lets the first N hits pass
//                 p=1/N    acts on one hit in N
//                 once     acts only once in this process
//   MILLRACE_FAILPOINTS_SEED  drives p: the same seed acts on the same hits
//   MILLRACE_FAILPOINTS_HITS  a file to which hits are added up, across processes and kills
//
// A mistake in them is printed, and the process aborts: a test that injects nothing would pass.
#pragma once

#ifndef MILLRACE_FAILPOINTS

#define MR_FAILPOINT(name) static_cast<void>(0)
#define MR_FAILPOINT_ERROR(name) 0

#else

#include <atomic>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::failpoint {

inline constexpr std::size_t kLongestName = 47;

// What a site that was told to throw throws.
class Thrown : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Orders;  // what a site is to do, and its counts

class Site {
 public:
  // can_fail: the site asks for an error code and can be told to give one.
  consteval Site(std::string_view name, bool can_fail) : name_(name), can_fail_(can_fail) {
    if (name.size() > kLongestName) throw "the name of a failpoint is too long";
  }

  // Effect: what was ordered; without orders one relaxed load.
  // Returns 0, or the error code of an order to fail.
  int hit() { return orders_.load(std::memory_order_relaxed) == nullptr ? 0 : follow_orders(); }

  std::string_view name() const { return name_; }
  bool can_fail() const { return can_fail_; }
  void order(Orders* orders) { orders_.store(orders, std::memory_order_release); }
  const Orders* orders() const { return orders_.load(std::memory_order_acquire); }

 private:
  int follow_orders();

  const std::string_view name_;
  const bool can_fail_;
  std::atomic<Orders*> orders_{nullptr};
};

// The names of all sites that are linked into this program, sorted, each once.
std::vector<std::string> sites();

// Effect: gives every site its orders; those that `text` does not name count their hits. Orders of an
// earlier call are dropped. REQUIRES: no site is being hit by another thread.
// Returns what is wrong with the text, one mistake a line; then nothing was changed.
std::optional<std::string> configure(std::string_view text, std::uint64_t seed);

// Effect: hits from now on are added up in this file too: 64 bytes a site: its name, padded with
// zeros to 48; hits; hits that were acted on; both little-endian. Survives SIGKILL. One process at a
// time. REQUIRES: configure() was called. Returns what went wrong.
std::optional<std::string> count_into(const std::string& file);

struct Count {
  std::string name;
  std::uint64_t hits = 0;   // in this process
  std::uint64_t acted = 0;  // of these
};
// Sorted by name; sites of one name together.
std::vector<Count> counts();

}  // namespace millrace::failpoint

// A pointer per site, not the site itself: the linker may pad between larger objects.
#define MR_FP_SITE(name, can_fail)                                                                 \
  ([]() -> ::millrace::failpoint::Site& {                                                          \
    static constinit ::millrace::failpoint::Site mr_fp_site{name, can_fail};                       \
    [[gnu::used, gnu::section("mr_fp_sites")]] static ::millrace::failpoint::Site* mr_fp_pointer = \
        &mr_fp_site;                                                                               \
    return mr_fp_site;                                                                             \
  }())

#define MR_FAILPOINT(name) static_cast<void>(MR_FP_SITE(name, false).hit())
#define MR_FAILPOINT_ERROR(name) (MR_FP_SITE(name, true).hit())

#endif
