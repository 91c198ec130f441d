// expect: millrace: process() takes a processor, or a callable that makes one: derive it from
// millrace::Processor<KIn, VIn, KOut, VOut>
#include <millrace/dsl.h>

#include <string>

struct Upper : millrace::Processor<std::string, std::string, std::string, std::string> {
  void process(const millrace::Record<std::string, std::string>&) override {}
};

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.process(Upper()).to("out");
#else
  in.process([](const std::string& text) { return text; }).to("out");
#endif
}
