// expect: millrace: this processor declares no output: name what it forwards in
// Processor<KIn, VIn, KOut, VOut>
#include <millrace/dsl.h>

#include <string>

#ifdef CONTROL
using Base = millrace::Processor<std::string, std::string, std::string, std::string>;
#else
using Base = millrace::Processor<std::string, std::string>;
#endif

struct Upper : Base {
  void process(const millrace::Record<std::string, std::string>& record) override {
    context().forward(record.key, record.value);
  }
};

void topology(millrace::StreamsBuilder& builder) {
  builder.stream<std::string, std::string>("in").process(Upper());
}
