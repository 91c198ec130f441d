// expect: millrace: process_values() takes a processor that keeps the key, or a callable that makes
// one: derive it from millrace::FixedKeyProcessor<K, VIn, VOut>
#include <millrace/dsl.h>

#include <string>

struct Any : millrace::Processor<std::string, std::string, std::string, std::string> {
  void process(const millrace::Record<std::string, std::string>&) override {}
};
struct Fixed : millrace::FixedKeyProcessor<std::string, std::string, std::string> {
  void process(const millrace::Record<std::string, std::string>&) override {}
};

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.process_values(Fixed()).to("out");
#else
  in.process_values([] { return Any(); }).to("out");
#endif
}
