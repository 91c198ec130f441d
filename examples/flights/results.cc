#include "results.h"

#include "flights_topology.h"

namespace flights {

const std::vector<std::string>& result_topics() {
  static const std::vector<std::string> topics = {kDepartures.name(), kHourlyDelays.name(),
                                                  kDeparturesIn6h.name(), kAirportDelays.name(),
                                                  kStateDelays.name()};
  return topics;
}

}  // namespace flights
