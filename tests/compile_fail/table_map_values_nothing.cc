// expect: millrace: the result is the new value: return it, or use peek() or for_each()
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

void topology(StreamsBuilder& builder) {
  builder.table<std::string, std::string>("users")
      .map_values("greetings",
                  [](const std::string& name) {
#ifdef CONTROL
                    return "hello " + name;
#else
                    static_cast<void>("hello " + name);
#endif
                  })
      .to_stream()
      .to("greetings");
}
