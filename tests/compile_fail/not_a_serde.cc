// expect: millrace: not a serde for this type: it needs serialize(const T&, Bytes&) and
//         deserialize(BytesView, T&)
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

struct Celsius {
  double degrees = 0;
};

struct CelsiusSerde {
  void serialize(const Celsius& c, millrace::Bytes& out) const { number.serialize(c.degrees, out); }
#ifdef CONTROL
  void deserialize(millrace::BytesView in, Celsius& c) const { number.deserialize(in, c.degrees); }
#endif
  millrace::Serde<double> number;
};

const millrace::Topic<std::string, Celsius> topic("in", {.value = CelsiusSerde{}});
