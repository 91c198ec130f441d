#include "run/work_directory.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace flights {

WorkDirectory::WorkDirectory(const std::string& named) : path_(named), made_up_(named.empty()) {
  if (!made_up_) return;
  path_ = (std::filesystem::temp_directory_path() / "flights-demo-XXXXXX").string();
  if (::mkdtemp(path_.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "making a directory, " + path_);
  }
}

WorkDirectory::~WorkDirectory() {
  std::error_code ignored;
  if (made_up_) std::filesystem::remove_all(path_, ignored);
}

}  // namespace flights
