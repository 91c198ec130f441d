// A store's identity on disk against the topology's: what differs, in words.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "millrace/detail/disk_host.h"

namespace millrace::state::rocks {

// nullopt: they are the same. Otherwise the whole message: each fact that differs with both values,
// what was kept, what can be done.
std::optional<std::string> identity_mismatch(const StoreIdentity& wanted,
                                             const std::map<std::string, std::string>& on_disk,
                                             const std::filesystem::path& directory);

}  // namespace millrace::state::rocks
