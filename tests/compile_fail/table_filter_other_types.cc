// expect: millrace: this callable must take (const V&) or (const K&, const V&), with the stream's
// own K and V
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

#ifdef CONTROL
bool known(const std::string& name) { return !name.empty(); }
#else
bool known(std::int64_t id) { return id != 0; }
#endif

void topology(StreamsBuilder& builder) {
  builder.table<std::string, std::string>("users").filter("known", known).to_stream().to("names");
}
