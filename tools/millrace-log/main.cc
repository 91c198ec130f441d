// millrace-log verify DIRECTORY: reads every byte of an embedded log that no process has open, and
// names what is damaged. It changes nothing.
//
// Exit code: 0 all is whole; 1 something is damaged; 2 it could not be verified.
#include <cstdio>
#include <string_view>

#include "log/journal/verify.h"

namespace journal = millrace::log::journal;

namespace {

void print(const char* kind, const journal::Finding& found) {
  std::printf("%s: %s at byte %llu: %s\n", kind, found.file.c_str(),
              static_cast<unsigned long long>(found.at), found.what.c_str());
}

int verify(const char* directory) {
  auto verified = journal::verify(directory, journal::FileSystem::real());
  if (!verified.ok()) {
    std::fprintf(stderr, "%s\n", verified.status().message().c_str());
    return 2;
  }
  const journal::Verified& found = verified.value();
  for (const journal::Finding& noted : found.noted) print("note", noted);
  for (const journal::Finding& damaged : found.damaged) print("DAMAGED", damaged);
  std::printf(
      "%llu segments, %llu frames, %llu batches, %llu records, %llu bytes: %s\n",
      static_cast<unsigned long long>(found.segments),
      static_cast<unsigned long long>(found.frames), static_cast<unsigned long long>(found.batches),
      static_cast<unsigned long long>(found.records), static_cast<unsigned long long>(found.bytes),
      found.damaged.empty() ? "all whole" : "DAMAGED");
  return found.damaged.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "verify") return verify(argv[2]);
  std::fprintf(stderr, "usage: millrace-log verify DIRECTORY\n");
  return 2;
}
