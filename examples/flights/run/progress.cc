#include "run/progress.h"

#include <cstdio>

#include "text.h"

namespace flights {

Progress::Progress(std::int64_t flights, std::int64_t already)
    : all_(flights), before_(already), shown_(already) {}

void Progress::show(std::int64_t done, const std::string& more) {
  const auto now = Clock::now();
  const bool finished = at_end(done) && !at_end(shown_);
  const bool far = done - shown_ >= all_ / 5;
  const bool long_ago = done > shown_ && now - last_ > std::chrono::seconds(2);
  if (!finished && !far && !long_ago) return;
  shown_ = done;
  last_ = now;
  std::printf(
      "  %6s of %s flights  %6.2f s  %8s/s  %s\n", with_commas(done).c_str(),
      with_commas(all_).c_str(), seconds(),
      with_commas(static_cast<std::int64_t>(static_cast<double>(done - before_) / seconds()))
          .c_str(),
      more.c_str());
  std::fflush(stdout);
}

double Progress::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

}  // namespace flights
