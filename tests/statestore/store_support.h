// What the tests of the stores share: short ways to write, a changelog in memory, contents to
// compare.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "millrace/detail/key_value_cells.h"
#include "millrace/detail/memory_disk.h"
#include "millrace/detail/series_cells.h"
#include "millrace/detail/window_cells.h"

namespace millrace::state {

template <class V>
std::unique_ptr<ValueCodec> codec_of(AnySerde<V> serde = default_serde<V>()) {
  return std::unique_ptr<ValueCodec>(new SerdeValueCodec<V>(std::move(serde)));
}

template <class V>
std::unique_ptr<KeyValueCells> key_value_store(AnySerde<V> serde = default_serde<V>(),
                                               DiskTable* disk = nullptr) {
  return std::make_unique<KeyValueCells>("counts", StoreKind::kTimestampedKeyValue, value_type<V>(),
                                         codec_of<V>(std::move(serde)), disk);
}

template <class V>
std::unique_ptr<WindowCells> window_store(TaskMemory& memory, std::int64_t size_ms,
                                          std::int64_t retention_ms,
                                          AnySerde<V> serde = default_serde<V>(),
                                          DiskTable* disk = nullptr) {
  auto store = std::make_unique<WindowCells>("hourly", Duration(size_ms), Duration(retention_ms),
                                             value_type<V>(), codec_of<V>(std::move(serde)), disk);
  store->bind(memory);
  return store;
}

// A disk in memory for one store, which applies late where it has a seed. Survives its stores.
class TestDisk {
 public:
  explicit TestDisk(std::optional<std::uint64_t> seed = {}) : host_({.seed = seed}) { open(); }
  // Effect: as a new process finds it. REQUIRES: no store uses it.
  void open() {
    task_.reset();
    task_ = host_.open_task({.directory = "in-0", .stores = {{"store", {}}}}, [] {});
  }
  // Effect: the same after what was on its way was lost.
  void crash() {
    host_.crash();
    open();
  }
  DiskTable& table() { return task_->table("store"); }

 private:
  MemoryDiskHost host_;
  std::unique_ptr<TaskDisk> task_;
};

// A value as a store shows it.
template <class V>
struct Entry {
  V value;
  std::int64_t timestamp;

  friend bool operator==(const Entry&, const Entry&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Entry& entry) {
    return out << entry.value << '@' << entry.timestamp;
  }
};

template <class V>
using Contents = std::map<Bytes, Entry<V>>;
template <class V>
using WindowContents = std::map<std::pair<std::int64_t, Bytes>, Entry<V>>;

// Effect: the cell holds this value (nullopt: is deleted) as of this time, the way a node does it.
template <class V, class Cells>
void change(Cells& cells, Cell& cell, std::optional<V> value, std::int64_t timestamp) {
  cells.change(cell);
  cell.as<V>() = std::move(value);
  cell.timestamp = from_ms(timestamp);
}

template <class V>
void put(KeyValueCells& cells, BytesView key, V value, std::int64_t timestamp) {
  change<V>(cells, cells.at(key), std::move(value), timestamp);
}
template <class V>
void put(WindowCells& cells, BytesView key, std::int64_t start, V value, std::int64_t timestamp) {
  change<V>(cells, cells.at(key, start), std::move(value), timestamp);
}
template <class V>
void erase(KeyValueCells& cells, BytesView key, std::int64_t timestamp) {
  if (Cell* cell = cells.find(key)) change<V>(cells, *cell, std::nullopt, timestamp);
}
template <class V>
void erase(WindowCells& cells, BytesView key, std::int64_t start, std::int64_t timestamp) {
  cells.observe(start);
  if (Cell* cell = cells.find(key, start)) change<V>(cells, *cell, std::nullopt, timestamp);
}

// What a scan shows, in its order.
template <class V>
using Scanned = std::vector<std::pair<Bytes, Entry<V>>>;
template <class V>
Scanned<V> scanned(KeyValueCells& cells, OptionalBytesView from, OptionalBytesView to,
                   ScanOrder order) {
  Scanned<V> found;
  cells.scan(from, to, order, [&](const Cell& cell) {
    found.emplace_back(cell.key(), Entry<V>{*cell.as<V>(), to_ms(cell.timestamp)});
    return true;
  });
  return found;
}

template <class V>
Contents<V> contents(KeyValueCells& cells) {
  const Scanned<V> all = scanned<V>(cells, std::nullopt, std::nullopt, ScanOrder::kForward);
  return Contents<V>(all.begin(), all.end());
}
template <class V>
WindowContents<V> contents(WindowCells& cells) {
  WindowContents<V> found;
  cells.scan({}, ScanOrder::kForward, [&](BytesView key, std::int64_t start, const Cell& cell) {
    found.emplace(std::pair(start, Bytes(key)), Entry<V>{*cell.as<V>(), to_ms(cell.timestamp)});
    return true;
  });
  return found;
}

// A changelog partition in memory.
class Changelog final : public ChangelogWriter {
 public:
  struct Record {
    Bytes key;
    OptionalBytes value;
    std::int64_t timestamp;
    friend bool operator==(const Record&, const Record&) = default;
  };

  void write(BytesView key, OptionalBytesView value, Timestamp timestamp) override {
    records.push_back({Bytes(key), value ? OptionalBytes(*value) : std::nullopt, to_ms(timestamp)});
  }

  // Effect: the store's changes are written, three cells at a time, and committed.
  void commit(Store& store) {
    const std::size_t first = records.size();
    std::size_t budget = 0;
    while (budget == 0) {
      budget = 3;
      store.write_some(*this, budget);
    }
    ChangelogRange range;
    if (records.size() > first) range = {offset_of(first), offset_of(records.size() - 1)};
    store.commit(range);
  }

  // Effect: the store holds what the records from this offset on say, those that its disk has aside.
  Status restore(Store& store, Offset from = Offset(0)) const {
    const Offset restored_to = store.restored_to();
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (offset_of(i) < from || offset_of(i) <= restored_to) continue;
      const Record& r = records[i];
      const auto value = r.value ? OptionalBytesView(*r.value) : std::nullopt;
      if (Status s = store.restore(r.key, value, from_ms(r.timestamp), offset_of(i)); !s.ok()) {
        return s;
      }
    }
    store.finish_restore();
    while (!store.restored()) {
    }
    return Status::success();
  }

  // Offsets have gaps: commit markers.
  static Offset offset_of(std::size_t record) {
    return Offset(static_cast<std::int64_t>(record) * 3 + 5);
  }

  std::vector<Record> records;
};

inline std::ostream& operator<<(std::ostream& out, const Changelog::Record& record) {
  return out << to_hex(record.key) << '=' << (record.value ? to_hex(*record.value) : "null") << '@'
             << record.timestamp;
}

}  // namespace millrace::state
