// expect: millrace: a windowed key is stored without the window's end, so name a serde that knows
//         the size: {.key = time_windowed_serde<K>(1h)}
#include <millrace/topic.h>
#include <millrace/windowed.h>

#include <chrono>
#include <cstdint>
#include <string>

using namespace std::chrono_literals;

#ifdef CONTROL
const millrace::Topic<millrace::Windowed<std::string>, std::int64_t> topic(
    "counts", {.key = millrace::time_windowed_serde<std::string>(1h)});
#else
const millrace::Topic<millrace::Windowed<std::string>, std::int64_t> topic("counts");
#endif
