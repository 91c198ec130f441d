// Answers as texts, so that all kinds of them are compared, and shown, in one way.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "check/check.h"
#include "check/truth.h"
#include "check/windows.h"
#include "results.h"

namespace flights::check {

// "TX 2001-01-31 18:00" → "5 flights, 7.2 minutes": a name that is unique, and what is said of it.
using Answers = std::map<std::string, std::string>;

Comparison compare(std::string what, const Answers& expected, const Answers& found);

// --- what should be ------------------------------------------------------------------------------

Answers true_departures(const Truth& truth);
Answers true_airport_delays(const Truth& truth);
Answers true_state_delays(const Truth& truth);
Answers average_delays(const WindowSums& windows);
Answers flight_counts(const WindowSums& windows);

// --- what the topics say -------------------------------------------------------------------------
//
// Of departures every record, numbered per airport; of the others the last of each key. What cannot
// be read is an answer, too: "unreadable: ...".

Answers found_departures(const std::vector<ResultRecord>& records);
Answers found_airport_delays(const std::vector<ResultRecord>& records);
Answers found_state_delays(const std::vector<ResultRecord>& records);
Answers found_average_delays(const std::vector<ResultRecord>& records);
Answers found_flight_counts(const std::vector<ResultRecord>& records);

// The departures partition by partition, in the order of the topic. From the topic comes the order
// and nothing else: its n-th record of an airport stands for that airport's n-th true departure.
std::vector<std::vector<const TrueDeparture*>> in_order_of(
    const std::vector<ResultRecord>& departures, const Truth& truth);

}  // namespace flights::check
