#include "millrace/dsl/detail/change_serde.h"

#include <cstdint>

#include "millrace/detail/encoding.h"

namespace millrace::detail {

namespace {

// The last byte of a change: which values are there. Stored; do not renumber.
enum : char {
  kLeft = 0,
  kEntered = 1,
  kBoth = 2,
  kWithLatest = 3,  // added to one of the above: a byte that says "latest" stands before it
  kLast = kBoth + kWithLatest,
};

[[noreturn]] void fail(const char* what) {
  throw SerdeError(std::string("a grouped table's change: ") + what);
}

}  // namespace

ChangeBytes split_change(BytesView in) {
  if (in.empty()) fail("no bytes");
  char flag = in.back();
  in.remove_suffix(1);
  if (flag < 0 || flag > kLast) fail("its last byte is none of 00 to 05");
  if (flag >= kWithLatest) {
    if (in.empty() || (in.back() != 0 && in.back() != 1)) fail("no 00 or 01 before its last byte");
    in.remove_suffix(1);
    flag = static_cast<char>(flag - kWithLatest);
  }
  if (flag == kLeft) return {.now = std::nullopt, .before = in};
  if (flag == kEntered) return {.now = in, .before = std::nullopt};
  const std::optional<std::int32_t> size = read_varint(in);
  const std::optional<BytesView> now = size ? read_bytes(in, *size) : std::nullopt;
  if (!now) fail("its first value does not end");
  return {.now = *now, .before = in};
}

void append_change_left(BytesView before, Bytes& out) {
  out.append(before);
  out.push_back(kLeft);
}

void append_change_entered(BytesView now, Bytes& out) {
  out.append(now);
  out.push_back(kEntered);
}

void append_change_both(BytesView now, BytesView before, Bytes& out) {
  append_varint(static_cast<std::int32_t>(now.size()), out);
  out.append(now);
  out.append(before);
  out.push_back(kBoth);
}

}  // namespace millrace::detail
