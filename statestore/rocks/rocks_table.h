// A store's table: reads go to its column family, batches to the applier.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/detail/disk_table.h"
#include "rocks/applier.h"

namespace millrace::state::rocks {

class RocksTable final : public DiskTable {
 public:
  RocksTable(Applier& applier, TaskDatabase& database, WaitingBatches& waiting)
      : applier_(applier), database_(database), family_(*waiting.family), waiting_(waiting) {}

  const std::string& store() const { return family_.store; }

  Offset offset() const override { return family_.offset.offset; }
  Timestamp offset_stamped() const override { return family_.offset.stamped; }
  std::optional<Bytes> fact(std::string_view name) const override;
  std::vector<std::pair<std::string, Bytes>> facts(std::string_view prefix) const override;

  Timestamp now() const override { return database_.shared().clock.now(); }

  BatchNumber submit(CommitBatch batch) override {
    return applier_.submit(waiting_, std::move(batch));
  }
  BatchNumber applied() const override {
    return BatchNumber(waiting_.applied.load(std::memory_order_acquire));
  }
  void hurry() override { applier_.hurry(waiting_); }

  bool get(BytesView key, Bytes& value, Timestamp& timestamp) override;
  void multi_get(std::span<const BytesView> keys, std::vector<Found>& found) override;
  std::unique_ptr<DiskScan> scan(OptionalBytesView from, OptionalBytesView to,
                                 ScanOrder order) override;

  Status health() const override { return applier_.health(waiting_); }

 private:
  void check(const rocksdb::Status& status) const;
  EntryValue read(BytesView stored) const;

  Applier& applier_;
  TaskDatabase& database_;
  const Family& family_;
  WaitingBatches& waiting_;
  const rocksdb::ReadOptions options_ = read_options();
  Bytes key_;
  rocksdb::PinnableSlice pinned_;
};

}  // namespace millrace::state::rocks
