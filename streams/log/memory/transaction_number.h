// Transactions of a memory log, numbered over all producers in the order of their first writes, and
// how each of them ended.
#pragma once

#include <cstdint>
#include <vector>

namespace millrace::log::memory {

using TransactionNumber = std::uint32_t;
inline constexpr TransactionNumber kNoTransaction = 0;

class TransactionOutcomes {
 public:
  TransactionNumber begin() {
    aborted_.push_back(0);
    return static_cast<TransactionNumber>(aborted_.size() - 1);
  }
  void abort(TransactionNumber number) { aborted_[number] = 1; }

  // Says nothing about a transaction that is still open.
  bool aborted(TransactionNumber number) const { return aborted_[number] != 0; }

 private:
  std::vector<std::uint8_t> aborted_ = {0};  // [kNoTransaction]
};

}  // namespace millrace::log::memory
