// Doubt: which requests of the transaction protocol a producer sent, and which of them were
// answered. A request that was written to a connection and never answered may still arrive, inside
// the *next* transaction, and there commit, abort or rewind it while every call returns OK; only a
// new producer (a new epoch) makes the broker refuse it. So a request that was sent and not
// answered poisons the producer. One that was answered "try again" and sent again is no doubt.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace millrace::log {

// Thread-safety: sent() and answered() come from the client's threads, for one kind of request
// never both at a time, because librdkafka has at most one request of a kind under way. The others
// see all that came before a transactional call returned.
class TransactionWatch {
 public:
  void sent(int api_key) noexcept {
    const std::size_t i = index(api_key);
    if (i == kApis) return;
    if (waiting_[i].exchange(true)) lost_ = true;
    if (i == kEndTxn) ++ends_sent_;
  }

  // Librdkafka says so twice: when the answer arrives, and when it is handled.
  void answered(int api_key) noexcept {
    if (const std::size_t i = index(api_key); i < kApis) waiting_[i] = false;
  }

  bool in_doubt() const {
    for (const auto& waiting : waiting_) {
      if (waiting) return true;
    }
    return lost_;
  }

  // How often the end of a transaction was ordered, and whether the last order waits for an answer.
  std::int64_t ends_sent() const { return ends_sent_; }
  bool end_is_open() const { return waiting_[kEndTxn]; }

 private:
  // Kafka's numbers: InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn, TxnOffsetCommit.
  static constexpr std::array<int, 5> kApiKeys{22, 24, 25, 26, 28};
  static constexpr std::size_t kApis = kApiKeys.size();
  static constexpr std::size_t kEndTxn = 3;

  static std::size_t index(int api_key) noexcept {
    std::size_t i = 0;
    while (i < kApis && kApiKeys[i] != api_key) ++i;
    return i;
  }

  std::array<std::atomic<bool>, kApis> waiting_{};
  std::atomic<bool> lost_{false};
  std::atomic<std::int64_t> ends_sent_{0};
};

}  // namespace millrace::log
