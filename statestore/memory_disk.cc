#include "millrace/detail/memory_disk.h"

#include <algorithm>
#include <deque>
#include <random>
#include <utility>
#include <vector>

namespace millrace::state {

namespace {

struct Value {
  Bytes bytes;
  Timestamp timestamp;
};
using Entries = std::map<Bytes, Value, std::less<>>;
using Facts = std::map<std::string, Bytes, std::less<>>;

// What lies on the disk.
struct Content {
  Entries entries;
  Facts facts;
  Offset offset = kNoOffset;
  Timestamp stamped = kNoTimestamp;
  Timestamp complete_as_of = kNoTimestamp;

  void apply(const CommitBatch& batch) {
    for (std::size_t i = 0; i < batch.entries(); ++i) {
      const auto entry = batch.entry(i);
      if (entry.value) {
        entries.insert_or_assign(Bytes(entry.key), Value{Bytes(*entry.value), entry.timestamp});
      } else if (const auto at = entries.find(entry.key); at != entries.end()) {
        entries.erase(at);
      }
    }
    for (std::size_t i = 0; i < batch.drops(); ++i) {
      const auto range = batch.dropped(i);
      entries.erase(entries.lower_bound(range.from), entries.lower_bound(range.to));
    }
    for (std::size_t i = 0; i < batch.facts(); ++i) {
      const auto [name, value] = batch.fact(i);
      if (value) {
        facts.insert_or_assign(std::string(name), Bytes(*value));
      } else if (const auto at = facts.find(name); at != facts.end()) {
        facts.erase(at);
      }
    }
    if (batch.complete_as_of() != kNoTimestamp) complete_as_of = batch.complete_as_of();
    if (batch.last() == kNoOffset) return;
    offset = batch.last();
    stamped = batch.last_stamped();
  }
};

class Walk final : public DiskScan {
 public:
  Walk(Entries::const_iterator first, Entries::const_iterator last, ScanOrder order)
      : entries_(first, last) {
    if (order == ScanOrder::kBackward) std::reverse(entries_.begin(), entries_.end());
  }
  bool valid() override { return at_ < entries_.size(); }
  BytesView key() const override { return entries_[at_].first; }
  BytesView value() const override { return entries_[at_].second.bytes; }
  Timestamp timestamp() const override { return entries_[at_].second.timestamp; }
  void next() override { ++at_; }

 private:
  std::vector<std::pair<Bytes, Value>> entries_;
  std::size_t at_ = 0;
};

}  // namespace

class MemoryDiskHost::Table final : public DiskTable {
 public:
  Table(const MemoryDiskOptions& options, std::int64_t& reads)
      : late_(options.seed.has_value()),
        clock_(options.clock),
        reads_(reads),
        random_(options.seed.value_or(0)) {}

  void open(const std::function<void()>& wake, Duration deletions_kept) {
    wake_ = wake;
    apply(pending_.size());  // what was submitted before comes first
    if (is_stale(content_.complete_as_of, now(), deletions_kept)) content_ = {};
    if (content_.complete_as_of == kNoTimestamp) content_.complete_as_of = now();
    opened_.facts = content_.facts;
    opened_.offset = content_.offset;
    opened_.stamped = content_.stamped;
    submitted_ = applied_ = BatchNumber();
  }
  void close() { wake_ = nullptr; }
  void crash() {
    pending_.clear();
    hurried_ = 0;
  }
  std::size_t memory_bytes() const {
    std::size_t bytes = 0;
    for (const CommitBatch& batch : pending_) bytes += batch.bytes();
    return bytes;
  }

  Offset offset() const override { return opened_.offset; }
  Timestamp offset_stamped() const override { return opened_.stamped; }
  std::optional<Bytes> fact(std::string_view name) const override {
    const auto at = opened_.facts.find(name);
    return at == opened_.facts.end() ? std::nullopt : std::optional(at->second);
  }
  std::vector<std::pair<std::string, Bytes>> facts(std::string_view prefix) const override {
    std::vector<std::pair<std::string, Bytes>> found;
    for (const auto& [name, value] : opened_.facts) {
      if (name.starts_with(prefix)) found.emplace_back(name, value);
    }
    return found;
  }

  Timestamp now() const override { return clock_ ? clock_->now() : kNoTimestamp; }

  BatchNumber submit(CommitBatch batch) override {
    pending_.push_back(std::move(batch));
    submitted_ = submitted_ + 1;
    if (!late_) apply(1);
    return submitted_;
  }
  BatchNumber applied() const override {
    if (late_ && !pending_.empty()) {
      const std::size_t some = random_() % (pending_.size() + 1);
      const_cast<Table*>(this)->apply(std::max(some, hurried_));
    }
    return applied_;
  }
  // "As soon as can be" is later than now.
  void hurry() override { hurried_ = pending_.size(); }

  bool get(BytesView key, Bytes& value, Timestamp& timestamp) override {
    ++reads_;
    return find(key, value, timestamp);
  }
  void multi_get(std::span<const BytesView> keys, std::vector<Found>& found) override {
    ++reads_;
    found.assign(keys.size(), {});
    for (std::size_t i = 0; i < keys.size(); ++i) {
      found[i].there = find(keys[i], found[i].value, found[i].timestamp);
    }
  }
  std::unique_ptr<DiskScan> scan(OptionalBytesView from, OptionalBytesView to,
                                 ScanOrder order) override {
    ++reads_;
    const Entries& entries = content_.entries;
    if (from && to && *from >= *to) {
      return std::make_unique<Walk>(entries.end(), entries.end(), order);
    }
    return std::make_unique<Walk>(from ? entries.lower_bound(*from) : entries.begin(),
                                  to ? entries.lower_bound(*to) : entries.end(), order);
  }

  Status health() const override { return Status::success(); }

 private:
  bool find(BytesView key, Bytes& value, Timestamp& timestamp) const {
    const auto at = content_.entries.find(key);
    if (at == content_.entries.end()) return false;
    value = at->second.bytes;
    timestamp = at->second.timestamp;
    return true;
  }
  void apply(std::size_t batches) {
    for (std::size_t i = 0; i < batches; ++i) {
      content_.apply(pending_.front());
      pending_.pop_front();
      applied_ = applied_ + 1;
    }
    hurried_ -= std::min(hurried_, batches);
    if (batches > 0 && wake_) wake_();
  }

  const bool late_;
  const Clock* const clock_;
  std::int64_t& reads_;  // of the host
  mutable std::mt19937_64 random_;
  std::function<void()> wake_;
  Content content_;
  Content opened_;  // facts and offset as of the opening; no entries
  std::deque<CommitBatch> pending_;
  std::size_t hurried_ = 0;  // of pending_: the next look at applied() finds them applied
  BatchNumber submitted_;
  BatchNumber applied_;
};

struct MemoryDiskHost::Directory {
  struct Store {
    std::map<std::string, std::string> facts;
    Table table;
  };
  std::map<std::string, std::unique_ptr<Store>, std::less<>> stores;
};

class MemoryDiskHost::Task final : public TaskDisk {
 public:
  Task(Directory& directory, const TaskDiskSpec& spec, const std::function<void()>& wake,
       const MemoryDiskOptions& options, std::int64_t& reads)
      : directory_(directory) {
    for (const StoreIdentity& identity : spec.stores) {
      auto& store = directory.stores[identity.store];
      if (store == nullptr)
        store.reset(new Directory::Store{identity.facts, Table(options, reads)});
      if (store->facts != identity.facts) {
        failure_ = "store '" + identity.store + "' in directory " + spec.directory +
                   " was written by another kind of store, or with other settings";
      }
      store->table.open(wake, identity.deletions_kept);
    }
  }

  ~Task() override {
    for (const auto& [name, store] : directory_.stores) store->table.close();
  }

  State state() const override { return failure_.empty() ? State::kOpen : State::kFailed; }
  const std::string& failure() const override { return failure_; }
  DiskTable& table(std::string_view store) override {
    return directory_.stores.find(store)->second->table;
  }

 private:
  Directory& directory_;
  std::string failure_;
};

MemoryDiskHost::MemoryDiskHost(MemoryDiskOptions options) : options_(options) {}
MemoryDiskHost::~MemoryDiskHost() = default;

std::unique_ptr<TaskDisk> MemoryDiskHost::open_task(TaskDiskSpec spec, std::function<void()> wake) {
  auto& directory = directories_[spec.directory];
  if (directory == nullptr) directory = std::make_unique<Directory>();
  return std::make_unique<Task>(*directory, spec, wake, options_, reads_);
}

std::size_t MemoryDiskHost::memory_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [name, directory] : directories_) {
    for (const auto& [store, entry] : directory->stores) bytes += entry->table.memory_bytes();
  }
  return bytes;
}

void MemoryDiskHost::crash() {
  for (const auto& [name, directory] : directories_) {
    for (const auto& [store, entry] : directory->stores) entry->table.crash();
  }
}

}  // namespace millrace::state
