// Where local state goes that is damaged: beside its task's directory, under a name that tells when.
// Nobody opens it again; somebody may want to know what happened to it.
//
//   .../orders-3                             the task's directory, made anew after that
//   .../orders-3.bad-20260131T123000.250Z    what was in it
#pragma once

#include <cstddef>
#include <filesystem>

#include "millrace/result.h"
#include "millrace/time.h"

namespace millrace::state::rocks {

// Of one task: a machine that damages files again and again would fill its disk otherwise.
inline constexpr std::size_t kKeptAside = 2;

// Effect: renames the directory; of what was set aside before, the newest stay, so that there are
// kKeptAside in all. Returns the new name. REQUIRES: nobody has files in it open.
// Errors: kRetry: it cannot be renamed, and is where it was.
Result<std::filesystem::path> set_aside(const std::filesystem::path& directory, Timestamp now);

}  // namespace millrace::state::rocks
