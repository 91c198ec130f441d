// expect: millrace: keys and values must own their data: return std::string instead of a view or a
// pointer
#include <millrace/dsl.h>

#include <string>
#include <string_view>

#ifdef CONTROL
using Out = std::string;
#else
using Out = std::string_view;
#endif

struct Upper : millrace::Processor<std::string, std::string, std::string, Out> {
  void process(const millrace::Record<std::string, std::string>&) override {}
};

void topology(millrace::StreamsBuilder& builder) {
  builder.stream<std::string, std::string>("in").process(Upper()).to("out");
}
