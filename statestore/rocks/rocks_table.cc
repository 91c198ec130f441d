#include "rocks/rocks_table.h"

#include "rocks/rocks_scan.h"

namespace millrace::state::rocks {

std::optional<Bytes> RocksTable::fact(std::string_view name) const {
  const auto found = family_.facts.find(name);
  return found == family_.facts.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::pair<std::string, Bytes>> RocksTable::facts(std::string_view prefix) const {
  std::vector<std::pair<std::string, Bytes>> facts;
  for (auto it = family_.facts.lower_bound(prefix);
       it != family_.facts.end() && it->first.starts_with(prefix); ++it) {
    facts.emplace_back(*it);
  }
  return facts;
}

void RocksTable::check(const rocksdb::Status& status) const {
  if (!status.ok()) database_.read_failed(family_.store, status);
}

EntryValue RocksTable::read(BytesView stored) const {
  const auto entry = read_entry_value(stored);
  if (!entry) check(rocksdb::Status::Corruption("an entry is too short"));
  return *entry;
}

bool RocksTable::get(BytesView key, Bytes& value, Timestamp& timestamp) {
  measure_nothing();
  put_entry_key(key, key_);
  pinned_.Reset();
  const rocksdb::Status found = database_.db().Get(options_, family_.handle, key_, &pinned_);
  if (found.IsNotFound()) return false;
  check(found);
  const EntryValue entry = read(pinned_.ToStringView());
  value.assign(entry.value);
  timestamp = entry.timestamp;
  pinned_.Reset();
  return true;
}

void RocksTable::multi_get(std::span<const BytesView> keys, std::vector<Found>& found) {
  measure_nothing();
  std::vector<Bytes> stored_keys(keys.size());
  std::vector<rocksdb::Slice> slices(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    put_entry_key(keys[i], stored_keys[i]);
    slices[i] = stored_keys[i];
  }
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  database_.db().MultiGet(options_, family_.handle, keys.size(), slices.data(), values.data(),
                          statuses.data());
  found.resize(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    found[i].there = !statuses[i].IsNotFound();
    if (!found[i].there) continue;
    check(statuses[i]);
    const EntryValue entry = read(values[i].ToStringView());
    found[i].value.assign(entry.value);
    found[i].timestamp = entry.timestamp;
  }
}

std::unique_ptr<DiskScan> RocksTable::scan(OptionalBytesView from, OptionalBytesView to,
                                           ScanOrder order) {
  return std::make_unique<RocksScan>(database_, family_, from, to, order);
}

}  // namespace millrace::state::rocks
