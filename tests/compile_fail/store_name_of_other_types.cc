// expect: millrace: this store name is declared for another kind of store, or for other key or
//         value types
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

inline constexpr millrace::KeyValueStoreName<std::string, std::int64_t> kCounts("counts");
inline constexpr millrace::KeyValueStoreName<std::string, std::string> kTexts("texts");
inline constexpr millrace::WindowStoreName<std::string, std::int64_t> kPerHour("per-hour");

void topology(millrace::StreamsBuilder& builder) {
  const auto groups = builder.stream<std::string, std::string>("in").group_by_key();
#ifdef CONTROL
  groups.count(kCounts);
#else
  groups.count(kTexts);
#endif
}
