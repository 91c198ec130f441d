#include "rocks/rocks_scan.h"

namespace millrace::state::rocks {

RocksScan::RocksScan(TaskDatabase& database, const Family& family, OptionalBytesView from,
                     OptionalBytesView to, ScanOrder order)
    : database_(database),
      family_(family),
      order_(order),
      read_errors_(database.shared().read_errors->count()) {
  measure_nothing();
  put_entry_key(from.value_or(BytesView()), lower_);
  if (to) {
    put_entry_key(*to, upper_);
  } else {
    upper_.assign(1, kEntry + 1);
  }
  rocksdb::ReadOptions options = read_options();
  lower_bound_ = lower_;
  upper_bound_ = upper_;
  options.iterate_lower_bound = &lower_bound_;
  options.iterate_upper_bound = &upper_bound_;
  iterator_.reset(database.db().NewIterator(options, family.handle));
  // Bounds that cross hold nothing, and RocksDB takes none: without a seek there is no entry.
  if (lower_ >= upper_) return;
  if (order_ == ScanOrder::kForward) {
    iterator_->SeekToFirst();
  } else {
    iterator_->SeekToLast();
  }
  check();
}

bool RocksScan::valid() { return iterator_->Valid(); }

void RocksScan::next() {
  if (order_ == ScanOrder::kForward) {
    iterator_->Next();
  } else {
    iterator_->Prev();
  }
  check();
}

// After every step, because the file that could not be read may be in the middle: RocksDB before
// 8.7.0 goes on behind it as if nothing were missing.
void RocksScan::check() {
  const ReadErrors& errors = *database_.shared().read_errors;
  if (errors.count() != read_errors_) fail(rocksdb::Status::IOError(errors.last()));
  if (!iterator_->Valid()) {
    if (!iterator_->status().ok()) fail(iterator_->status());
    return;
  }
  const auto entry = read_entry_value(iterator_->value().ToStringView());
  if (!entry) fail(rocksdb::Status::Corruption("an entry is too short"));
  entry_ = *entry;
}

void RocksScan::fail(const rocksdb::Status& status) const {
  database_.read_failed(family_.store, status);
}

}  // namespace millrace::state::rocks
