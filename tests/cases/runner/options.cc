#include "cases/runner/options.h"

#include <charconv>
#include <stdexcept>

namespace millrace::cases {

const char* const kUsage =
    R"(tools/conformance [OPTION]... PATH...   (a file, or a folder with *.json anywhere in it)
  --way plain|restart|hostile|all   how to run each case (default all)
  --seed N                          of restarts and of the hostile log (default 1)
  --rounds N                        so many seeds, from N on (default 1)
  --scope core|full                 only cases of this scope
  --tag T, --skip-tag T             only cases with one of the tags; none with one of these
  --stop                            ends at the first failure
  -v                                names each case, with its note
)";

namespace {

std::uint64_t to_number(const std::string& option, const std::string& text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end) {
    throw std::invalid_argument(option + " needs a number, not " + text);
  }
  return number;
}

std::vector<Way> to_ways(const std::string& text) {
  if (text == "all") return Options().ways;
  for (const Way way : Options().ways) {
    if (to_string(way) == text) return {way};
  }
  throw std::invalid_argument("--way is plain, restart, hostile or all, not " + text);
}

}  // namespace

bool Options::wants(const Case& c) const {
  if (!scope.empty() && c.scope != scope) return false;
  bool wanted = tags.empty();
  for (const std::string& tag : c.tags) {
    if (skipped_tags.contains(tag)) return false;
    wanted = wanted || tags.contains(tag);
  }
  return wanted;
}

Options parse_options(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& option = arguments[i];
    const auto value = [&]() -> const std::string& {
      if (i + 1 >= arguments.size()) throw std::invalid_argument(option + " needs a value");
      return arguments[++i];
    };
    if (option == "--way") {
      options.ways = to_ways(value());
    } else if (option == "--seed") {
      options.seed = to_number(option, value());
    } else if (option == "--rounds") {
      options.rounds = static_cast<int>(to_number(option, value()));
    } else if (option == "--scope") {
      options.scope = value();
    } else if (option == "--tag") {
      options.tags.insert(value());
    } else if (option == "--skip-tag") {
      options.skipped_tags.insert(value());
    } else if (option == "--stop") {
      options.stop = true;
    } else if (option == "-v") {
      options.verbose = true;
    } else if (option.starts_with('-')) {
      throw std::invalid_argument("unknown option " + option);
    } else {
      options.paths.push_back(option);
    }
  }
  if (options.paths.empty()) throw std::invalid_argument("no file or folder given");
  return options;
}

}  // namespace millrace::cases
