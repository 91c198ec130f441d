// Numbers for people.
#pragma once

#include <cstdint>
#include <string>

namespace flights {

// "20,000"
std::string with_commas(std::int64_t number);

}  // namespace flights
