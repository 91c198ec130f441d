// expect: millrace: this processor reads other types than the stream has: derive it with the
// stream's own K and V
#include <millrace/dsl.h>

#include <cstdint>
#include <string>

struct Counting : millrace::Processor<std::string, std::int64_t> {
  void process(const millrace::Record<std::string, std::int64_t>&) override {}
};

void topology(millrace::StreamsBuilder& builder) {
#ifdef CONTROL
  const auto in = builder.stream<std::string, std::int64_t>("in");
#else
  const auto in = builder.stream<std::string, std::string>("in");
#endif
  in.process(Counting());
}
