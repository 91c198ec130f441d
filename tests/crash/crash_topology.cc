#include "crash/crash_topology.h"

#include <millrace/dsl.h>
#include <millrace/processor.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string_view>

#include "crash/feed.h"

namespace crash {

namespace {

using millrace::StreamsBuilder;
using millrace::TimeWindows;

std::string_view field(std::string_view order, int index) {
  for (; index > 0; --index) order.remove_prefix(order.find('|') + 1);
  return order.substr(0, order.find('|'));
}

std::string product(const std::string& order) { return std::string(field(order, 1)); }

std::int64_t amount(const std::string& order) {
  const std::string_view digits = field(order, 2);
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

bool fails(const std::string& order, std::string_view where) {
  return field(order, 2).ends_with(where);
}

constexpr millrace::KeyValueStoreName<std::string, std::int64_t> kOpenVisits("open-visits");

// Counts per product, and now and then tells the counts and begins anew: a store that is scanned and
// emptied from a punctuation.
class Visits final
    : public millrace::Processor<std::string, std::string, std::string, std::int64_t> {
 public:
  void init() override {
    open_ = &context().store(kOpenVisits);
    context().schedule(kVisitsEvery, millrace::PunctuationType::kStreamTime,
                       [this](millrace::Timestamp) { tell(); });
  }
  void process(const millrace::Record<std::string, std::string>& order) override {
    open_->put(order.key, open_->get(order.key).value_or(0) + 1);
  }

 private:
  void tell() {
    for (const auto& [product, visits] : open_->all()) {
      context().forward(product, visits);
      open_->erase(product);
    }
  }

  millrace::KeyValueStore<std::string, std::int64_t>* open_ = nullptr;
};

constexpr millrace::SessionStoreName<std::string, std::int64_t> kOpenSessions("open-sessions");

// Sessions by hand: what a record touches is removed and put again as one.
class Sessions final
    : public millrace::Processor<std::string, std::string, std::string, std::string> {
 public:
  void init() override { sessions_ = &context().store(kOpenSessions); }
  void process(const millrace::Record<std::string, std::string>& order) override {
    const millrace::Timestamp at = order.timestamp;
    millrace::Window merged{at, at};
    std::int64_t orders = 1;
    for (const auto& [session, n] :
         sessions_->find_sessions(order.key, at - kSessionGap, at + kSessionGap)) {
      merged = {std::min(merged.start, session.window.start),
                std::max(merged.end, session.window.end)};
      orders += n;
      sessions_->remove(session);
    }
    const bool kept = sessions_->put({order.key, merged}, orders);
    context().forward(order.key, kept ? text(merged, orders) : "late");
    if (fails(order.value, kFailsInSessions)) throw std::domain_error("an order that fails last");
  }

 private:
  static std::string text(const millrace::Window& window, std::int64_t orders) {
    return std::to_string(millrace::to_ms(window.start)) + '-' +
           std::to_string(millrace::to_ms(window.end)) + ':' + std::to_string(orders);
  }

  millrace::SessionStore<std::string, std::int64_t>* sessions_ = nullptr;
};

}  // namespace

millrace::Topology crash_topology() {
  StreamsBuilder builder;
  const auto customers = builder.table(kCustomers, "customer-rows");
  const auto orders = builder.stream(kOrders);
  customers.to_stream()
      .map_values([](const std::optional<std::string>& row) { return "c|" + row.value_or("-"); })
      .to(kTaken);
  orders.map_values([](const std::string& order) { return "o|" + order; }).to(kTaken);

  const auto by_product = orders
                              .left_join(customers,
                                         [](const std::string& order, const std::string* customer) {
                                           if (fails(order, kFailsInJoin))
                                             throw std::domain_error("an order that fails first");
                                           return order + '|' + (customer ? *customer : "-");
                                         })
                              .select_key(product)
                              .repartition("by-product");
  by_product.to(kArrived);
  const auto grouped = by_product.group_by_key();
  grouped
      .aggregate("product-totals", std::int64_t{0},
                 [](const std::string& order, std::int64_t total) { return total + amount(order); })
      .to_stream()
      .drop_tombstones()
      .to(kTotals);
  grouped.windowed_by(TimeWindows{.size = kWindow, .grace = kGrace})
      .count("product-counts")
      .to_stream()
      .drop_tombstones()
      .to(kCounts);
  builder.add_state_store(kOpenVisits);
  by_product.process(Visits(), {.stores = {kOpenVisits}, .name = "visits"}).to(kVisits);
  builder.add_state_store(kOpenSessions, kSessionRetention);
  by_product.process(Sessions(), {.stores = {kOpenSessions}, .name = "sessions"}).to(kSessions);
  return builder.build();
}

}  // namespace crash
