// expect: millrace: a name is 1 to 200 of A-Z a-z 0-9 . _ -
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.filter(&std::string::size, {.name = "full-ones"}).to("out");
#else
  in.filter(&std::string::size, {.name = "full ones"}).to("out");
#endif
}
