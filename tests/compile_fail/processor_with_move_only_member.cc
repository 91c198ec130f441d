// expect: millrace: each task gets its own copy of this processor: hold a std::shared_ptr instead of
// a std::unique_ptr, or give a callable that makes processors
#include <millrace/dsl.h>

#include <memory>
#include <string>

struct Upper : millrace::Processor<std::string, std::string> {
#ifdef CONTROL
  std::shared_ptr<int> client = std::make_shared<int>();
#else
  std::unique_ptr<int> client = std::make_unique<int>();
#endif
  void process(const millrace::Record<std::string, std::string>&) override {}
};

void topology(millrace::StreamsBuilder& builder) {
  builder.stream<std::string, std::string>("in").process(Upper());
}
