// expect: millrace: a table has one row per key: give its topic a key type other than NoKey and
// std::optional
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

#ifdef CONTROL
const Topic<std::string, std::string> users("users");
#else
const Topic<NoKey, std::string> users("users");
#endif

void topology(StreamsBuilder& builder) { builder.table(users).to_stream().to("changes"); }
