// Journal: what peeks of a case saw, in committed attempts only.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cases/runner/text.h"

namespace millrace::cases {

// Not thread-safe.
class Journal {
 public:
  using Entries = std::map<std::string, std::vector<std::pair<Text, Text>>>;  // by op

  void open(const std::string& op) { committed_[op]; }
  void note(const std::string& op, const Text& key, const Text& value) {
    pending_[op].emplace_back(key, value);
  }

  // Effect: what was noted since the last call stays, if the transaction was committed, or goes.
  void end_transaction(bool committed) {
    for (auto& [op, entries] : pending_) {
      if (!committed) continue;
      auto& kept = committed_[op];
      kept.insert(kept.end(), entries.begin(), entries.end());
    }
    pending_.clear();
  }

  const Entries& committed() const { return committed_; }

 private:
  Entries committed_;
  Entries pending_;
};

}  // namespace millrace::cases
