#include "task/savepoint.h"

namespace millrace::task {

namespace {

// What a changelog would be sent, as far as to see whether it fits.
class FitsChangelog final : public state::ChangelogWriter {
 public:
  FitsChangelog(const OutputBuffer& output, graph::SinkTarget target)
      : output_(output), target_(target) {}

  void write(BytesView key, OptionalBytesView value, Timestamp) override {
    output_.check_size(target_, key, value, Headers::none());
  }

 private:
  const OutputBuffer& output_;
  const graph::SinkTarget target_;
};

}  // namespace

void Savepoint::set() {
  memory_.set_savepoint();
  for (const StoreAndTarget& one : stores_) one.store->set_savepoint();
  output_end_ = output_.end();
}

std::optional<Savepoint::Unwritable> Savepoint::find_unwritable() {
  for (const StoreAndTarget& one : stores_) {
    if (!one.changelog) continue;
    FitsChangelog writer(output_, *one.changelog);
    try {
      one.store->check_changes(writer);
    } catch (...) {
      return Unwritable{one.store->name(), std::current_exception()};
    }
  }
  return std::nullopt;
}

void Savepoint::release() noexcept {
  for (const StoreAndTarget& one : stores_) one.store->release_savepoint();
  output_end_.reset();
}

void Savepoint::roll_back() noexcept {
  for (const StoreAndTarget& one : stores_) one.store->roll_back();
  memory_.roll_back();
  output_.cut(*output_end_);
  output_end_.reset();
}

}  // namespace millrace::task
