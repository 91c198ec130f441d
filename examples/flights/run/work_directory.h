// Where a run on the embedded log keeps everything.
#pragma once

#include <string>

namespace flights {

// The directory that was named, or a new one that goes with this object.
class WorkDirectory {
 public:
  // Errors: std::system_error if none can be made.
  explicit WorkDirectory(const std::string& named);
  ~WorkDirectory();
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool made_up_;
};

}  // namespace flights
