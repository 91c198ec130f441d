// expect: millrace: no serde for this type: include millrace/serde_json.h, specialise
//         millrace::Serde<T>, or name a serde here
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

struct Celsius {
  double degrees = 0;
};

#ifdef CONTROL
template <>
struct millrace::Serde<Celsius> : millrace::Serde<double> {
  void serialize(const Celsius& c, Bytes& out) const { Serde<double>::serialize(c.degrees, out); }
  void deserialize(BytesView in, Celsius& c) const { Serde<double>::deserialize(in, c.degrees); }
};
#endif

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, double>("in");
  in.map_values([](double d) { return Celsius{d}; })
      .repartition("again")
      .for_each([](const Celsius&) {});
}
