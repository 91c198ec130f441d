#include "millrace/store_name.h"

#include <mutex>
#include <set>

namespace millrace::detail {

std::string_view intern_name(std::string text) {
  // Never destroyed: names may be looked at by destructors of static objects.
  static std::mutex& mutex = *new std::mutex;
  static std::set<std::string, std::less<>>& names = *new std::set<std::string, std::less<>>;
  const std::lock_guard lock(mutex);
  return *names.insert(std::move(text)).first;
}

}  // namespace millrace::detail
