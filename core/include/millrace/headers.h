// The headers of a record: an ordered list of names with values, where a name may repeat and a
// value may be null, as on the wire.
//
//   Headers headers;
//   headers.add("trace-id", "7f3a");
//   const Header* last = headers.last("trace-id");   // nullptr: none
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/bytes.h"

namespace millrace {

struct Header {
  std::string name;
  OptionalBytes value;

  friend bool operator==(const Header&, const Header&) = default;
};

// A value type; an empty list owns no memory. Not synchronised.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> headers) : headers_(headers) {}

  void add(std::string name, OptionalBytes value) {
    headers_.push_back({std::move(name), std::move(value)});
  }

  // Effect: removes every header of this name.
  void remove(std::string_view name) {
    std::erase_if(headers_, [&](const Header& h) { return h.name == name; });
  }
  void clear() { headers_.clear(); }

  // The last header of this name, or nullptr; valid until the list changes.
  const Header* last(std::string_view name) const {
    for (auto it = headers_.rbegin(); it != headers_.rend(); ++it) {
      if (it->name == name) return &*it;
    }
    return nullptr;
  }

  bool empty() const { return headers_.empty(); }
  std::size_t size() const { return headers_.size(); }
  auto begin() const { return headers_.begin(); }
  auto end() const { return headers_.end(); }

  // An empty list that lives for ever: what a record without headers points to.
  static const Headers& none();

  friend bool operator==(const Headers&, const Headers&) = default;

 private:
  std::vector<Header> headers_;
};

}  // namespace millrace
