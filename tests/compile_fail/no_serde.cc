// expect: millrace: no serde for this type: include millrace/serde_json.h, specialise
//         millrace::Serde<T>, or name a serde here
#include <millrace/topic.h>

#include <string>

struct Celsius {
  double degrees = 0;
};

#ifdef CONTROL
template <>
struct millrace::Serde<Celsius> {
  void serialize(const Celsius& c, Bytes& out) { number.serialize(c.degrees, out); }
  void deserialize(BytesView in, Celsius& c) { number.deserialize(in, c.degrees); }
  Serde<double> number;
};
#endif

millrace::Topic<std::string, Celsius> topic("temperatures");
