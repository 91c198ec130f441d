// expect: millrace: a name is 1 to 200 of A-Z a-z 0-9 . _ -
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto groups = builder.stream<std::string, std::string>("in").group_by_key();
#ifdef CONTROL
  groups.count("word-counts");
#else
  groups.count("word counts");
#endif
}
