// A walk over the entries of a column family.
#pragma once

#include <rocksdb/iterator.h>

#include <cstdint>
#include <memory>

#include "millrace/detail/disk_table.h"
#include "rocks/task_database.h"

namespace millrace::state::rocks {

class RocksScan final : public DiskScan {
 public:
  RocksScan(TaskDatabase& database, const Family& family, OptionalBytesView from,
            OptionalBytesView to, ScanOrder order);

  bool valid() override;
  BytesView key() const override { return iterator_->key().ToStringView().substr(1); }
  BytesView value() const override { return entry_.value; }
  Timestamp timestamp() const override { return entry_.timestamp; }
  void next() override;

 private:
  void check();
  [[noreturn]] void fail(const rocksdb::Status& status) const;

  TaskDatabase& database_;
  const Family& family_;
  const ScanOrder order_;
  const std::uint64_t read_errors_;  // of the process, when it began
  Bytes lower_;
  Bytes upper_;
  rocksdb::Slice lower_bound_;
  rocksdb::Slice upper_bound_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
  EntryValue entry_;
};

}  // namespace millrace::state::rocks
