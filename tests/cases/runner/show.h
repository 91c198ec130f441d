// Records in words, for reports.
#pragma once

#include <string>

#include "cases/runner/case.h"

namespace millrace::cases {

std::string quoted(const Text& text);
std::string show_record(const OutputRecord& record);
std::string show_record(const ByteRecord& record);
std::string show_record(const StoreEntry& entry);
std::string show_record(const std::pair<Text, Text>& pair);
std::string show_step(const InputStep& step);

// Big-endian, as hexadecimal digits of `width` bytes.
std::string hex_of(std::int64_t number, int width);

}  // namespace millrace::cases
