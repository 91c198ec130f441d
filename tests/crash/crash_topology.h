// The topology that is killed. Every kind of work that a crash could tear: a table and a stream that
// join, a repartition between two tasks, stores with changelogs, windows that expire.
//
//   customers ──┬────────────────────────────────────── taken     (what this task took, in its order)
//               │   orders ─┬─────────────────────────── taken
//               └─ left_join┘
//                     └─ by product ─┬────────────────── arrived   (the order behind the repartition)
//                                    ├─ sum ──────────── totals
//                                    ├─ in windows ───── counts
//                                    ├─ a processor ──── visits   (counts, told every second of stream time)
//                                    └─ a processor ──── sessions (in a session store, merged)
//
// Some orders fail, and go to `dead`: nothing else may be left of them, wherever the process dies.
//
// A task with several inputs may take them in any order that time allows, and two tasks may interleave
// at the repartition topic. So each task writes down what it took, as outputs like the others: `taken`
// and `arrived` are the order log that the oracle replays (RELIABILITY §3.1). They are exact because
// they are committed with everything else.
#pragma once

#include <millrace/time.h>
#include <millrace/topic.h>
#include <millrace/topology.h>
#include <millrace/windowed.h>

#include <cstdint>
#include <optional>
#include <string>

namespace crash {

inline constexpr millrace::Duration kWindow{2'000};
inline constexpr millrace::Duration kGrace{1'000};
inline constexpr millrace::Duration kVisitsEvery{1'000};
inline constexpr millrace::Duration kSessionGap{60};
inline constexpr millrace::Duration kSessionRetention{5'000};

// Inputs, as feed.h makes them. Orders: "number|product|amount", keyed by customer. Customers: "v<number>".
inline const millrace::Topic<std::string, std::string> kOrders("orders");
inline const millrace::Topic<std::string, std::optional<std::string>> kCustomers("customers");

// "o|" and the order, or "c|" and the customer; keyed by customer.
inline const millrace::Topic<std::string, std::string> kTaken("taken");
// The order, "|" and its customer or "-"; keyed by product.
inline const millrace::Topic<std::string, std::string> kArrived("arrived");
inline const millrace::Topic<std::string, std::int64_t> kTotals("totals");
inline const millrace::Topic<millrace::Windowed<std::string>, std::int64_t> kCounts(
    "counts", {.key = millrace::time_windowed_serde<std::string>(kWindow)});
// Orders of a product since its last entry here.
inline const millrace::Topic<std::string, std::int64_t> kVisits("visits");
// "start-end:orders", or "late".
inline const millrace::Topic<std::string, std::string> kSessions("sessions");

// What failed, as it was read.
inline constexpr const char* kDead = "dead";

millrace::Topology crash_topology();

}  // namespace crash
