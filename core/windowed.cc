#include "millrace/windowed.h"

#include "millrace/detail/encoding.h"

namespace millrace::detail {

std::int64_t split_window_start(BytesView& in) {
  constexpr std::size_t kStartBytes = 8;
  if (in.size() < kStartBytes) {
    throw SerdeError("millrace: a windowed key takes at least 8 bytes, not " +
                     std::to_string(in.size()));
  }
  const std::int64_t start = load_int<std::int64_t>(in.data() + in.size() - kStartBytes);
  in.remove_suffix(kStartBytes);
  return start;
}

}  // namespace millrace::detail
