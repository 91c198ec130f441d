// A stored struct that gets a new field reads what was stored without it (ENGINE §10).
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "millrace/dsl.h"
#include "millrace/serde_json.h"
#include "streams/worker/bench.h"

namespace before {
struct Account {
  std::int64_t cents = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Account, cents)
}  // namespace before

namespace after {
struct Account {
  std::int64_t cents = 0;
  std::string currency = "EUR";
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Account, cents, currency)
std::string shown(const Account& account) {
  return std::to_string(account.cents) + account.currency;
}
}  // namespace after

namespace strict {
struct Account {
  std::int64_t cents = 0;
  std::string currency = "EUR";
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Account, cents, currency)
std::string shown(const Account& account) {
  return std::to_string(account.cents) + account.currency;
}
}  // namespace strict

namespace before {
std::string shown(const Account& account) { return std::to_string(account.cents); }
}  // namespace before

namespace millrace::worker {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Sums up per key; sends what it holds as text.
template <class Account>
Topology sums() {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in")
      .group_by_key()
      .aggregate(KeyValueStoreName<std::string, Account>("accounts"), Account{},
                 [](const std::string& cents, Account account) {
                   account.cents += std::stoll(cents);
                   return account;
                 })
      .to_stream()
      .drop_tombstones()
      .map_values([](const Account& account) { return shown(account); })
      .to("out");
  return builder.build();
}

class StoredStructs : public Bench {
 protected:
  void stored_by_the_old_program() {
    create_topics();
    put("100");
    Worker& old = start(sums<before::Account>(), options());
    settle();
    ASSERT_EQ(values(), "100");
    kill(old);
    put("5");
  }
};

TEST_F(StoredStructs, AFieldWithADefaultReadsWhatWasStoredWithoutIt) {
  stored_by_the_old_program();
  start(sums<after::Account>(), options());
  settle();
  EXPECT_EQ(values(), "100 105EUR");
}

TEST_F(StoredStructs, WithoutADefaultTheTaskBacksOffAndNothingIsLost) {
  stored_by_the_old_program();
  WorkerOptions wanted = options();
  wanted.errors = {.deserialization = ErrorAction::kSkip,
                   .processing = ErrorAction::kSkip,
                   .production = ErrorAction::kSkip};
  Worker& worker = start(sums<strict::Account>(), wanted);
  EXPECT_THAT(backs_off(worker), AllOf(HasSubstr("app-accounts-changelog-0@0"),
                                       HasSubstr("store accounts"), HasSubstr("a key of 1 bytes")));
  EXPECT_EQ(values(), "100") << "no handler may skip state";
  kill(worker);

  start(sums<after::Account>(), options());
  settle();
  EXPECT_EQ(values(), "100 105EUR");
}

}  // namespace
}  // namespace millrace::worker
