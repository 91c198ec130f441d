#include "rocks/set_aside.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "millrace/detail/text.h"
#include "rocks/state_directory.h"

namespace millrace::state::rocks {

namespace {

constexpr std::string_view kMark = ".bad-";
constexpr std::string_view kTimePattern = "00000000T000000.000Z";

// "20260131T123000.250Z", which sorts by time. A task's directory ends in a number, so no name of one
// is taken for it.
std::string time_text(Timestamp now) {
  std::string text = detail::human_timestamp(now);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

bool is_time(std::string_view text) {
  return std::equal(
      text.begin(), text.end(), kTimePattern.begin(), kTimePattern.end(),
      [](char c, char wanted) { return wanted == '0' ? c >= '0' && c <= '9' : c == wanted; });
}

// What was set aside of this directory, the oldest first.
std::vector<std::filesystem::path> set_aside_before(const std::filesystem::path& directory) {
  const std::string prefix = directory.filename().string().append(kMark);
  std::vector<std::filesystem::path> found;
  std::error_code error;
  std::filesystem::directory_iterator at(directory.parent_path(), error);
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with(prefix) && is_time(std::string_view(name).substr(prefix.size()))) {
      found.push_back(at->path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

Result<std::filesystem::path> set_aside(const std::filesystem::path& directory, Timestamp now) {
  std::error_code error;
  std::filesystem::path aside;
  do {  // two in one millisecond have two names
    aside = directory;
    aside += std::string(kMark) + time_text(now);
    now += Duration{1};
  } while (std::filesystem::exists(std::filesystem::symlink_status(aside, error)));
  std::filesystem::rename(directory, aside, error);
  if (error) return Status::retry(error.message());
  // If a power cut takes that back, the damage is found once more.
  static_cast<void>(sync_directory(directory.parent_path()));
  // This one stays, whatever times the others have from a clock that was ahead.
  std::vector<std::filesystem::path> older = set_aside_before(directory);
  std::erase(older, aside);
  for (std::size_t i = 0; i + kKeptAside < older.size() + 1; ++i) {
    std::filesystem::remove_all(older[i], error);
  }
  return aside;
}

}  // namespace millrace::state::rocks
