// What the documents' shorter code blocks take for granted: the whole library and the usual names.
#pragma once

#if __has_include(<millrace/dsl.h>)
#include <millrace/dsl.h>
#endif
#if __has_include(<millrace/streams.h>)
#include <millrace/streams.h>
#endif
#include <millrace/clock.h>
#include <millrace/topic.h>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace millrace;              // NOLINT: for blocks of a few lines
using namespace std::chrono_literals;  // NOLINT
