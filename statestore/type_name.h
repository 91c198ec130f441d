// A type's name as people write it. Private to statestore.
#pragma once

#include <string>
#include <typeinfo>

namespace millrace::state {

std::string type_name(const std::type_info& type);

}  // namespace millrace::state
