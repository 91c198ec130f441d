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

Window split_session(BytesView& in) {
  constexpr std::size_t kTimesBytes = 16;
  if (in.size() < kTimesBytes) {
    throw SerdeError("millrace: a session's key takes at least 16 bytes, not " +
                     std::to_string(in.size()));
  }
  const char* times = in.data() + in.size() - kTimesBytes;
  in.remove_suffix(kTimesBytes);
  return {from_ms(load_int<std::int64_t>(times + 8)), from_ms(load_int<std::int64_t>(times))};
}

}  // namespace millrace::detail
