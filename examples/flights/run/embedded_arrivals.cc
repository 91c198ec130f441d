#include "run/embedded_arrivals.h"

#include <algorithm>

#include "flights_topology.h"
#include "run/embedded_topics.h"

namespace flights {

EmbeddedArrivals::EmbeddedArrivals(millrace::EmbeddedLog& log) {
  for (const std::string& topic :
       {kDepartures.name(), kAirportDelays.name(), kStateDelays.name()}) {
    End& end = ends_.emplace_back(End{{log, bytes_of(topic)}});
    while (!end.reader.at_end()) {
      if (end.reader.read(std::chrono::seconds(1))) ++end.seen;
    }
  }
}

void EmbeddedArrivals::take_in(std::chrono::milliseconds at_most) {
  for (End& end : ends_) {
    while (end.reader.read(at_most)) {
      ++end.seen;
      at_most = std::chrono::milliseconds(0);
    }
    at_most = std::chrono::milliseconds(0);
  }
}

std::int64_t EmbeddedArrivals::flights() const {
  const auto least = std::ranges::min_element(ends_, {}, &End::seen);
  return least->seen;
}

}  // namespace flights
