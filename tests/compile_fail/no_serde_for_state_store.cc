// expect: millrace: no serde for this type: include millrace/serde_json.h, specialise
// millrace::Serde<T>, or name a serde here
#include <millrace/dsl.h>

#include <string>

struct Seen {
  int times = 0;
};
struct SeenSerde {
  void serialize(const Seen& seen, millrace::Bytes& out) const {
    out.append(std::to_string(seen.times));
  }
  void deserialize(millrace::BytesView in, Seen& seen) const {
    seen.times = std::stoi(std::string(in));
  }
};

void topology(millrace::StreamsBuilder& builder) {
#ifdef CONTROL
  builder.add_state_store(millrace::KeyValueStoreName<std::string, Seen>("seen"),
                          {.value_serde = SeenSerde()});
#else
  builder.add_state_store(millrace::KeyValueStoreName<std::string, Seen>("seen"));
#endif
}
