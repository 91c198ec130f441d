// FakeTask: a task without a log. It clones the nodes of a graph, gives them real stores and task
// memory, runs records through them and keeps what the sinks send. All sub-topologies and
// partitions live in this one task: what is sent to a topic that the graph itself reads comes back
// as input, after the record at hand, whatever its partition.
//
//   StreamsBuilder builder;
//   builder.stream<std::string, std::string>("in").filter(...).to("out");
//   FakeTask task(*builder.graph());
//   task.pipe("in", "key", "value", 5);
//   for (const FakeTask::Sent& record : task.take()) ...
#pragma once

#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/detail/graph_builder.h"
#include "millrace/detail/memory_disk.h"
#include "millrace/detail/node_context.h"
#include "millrace/detail/source_node.h"

namespace millrace::testing {

// When a transaction ends. Results must not depend on it.
enum class Transactions {
  kCommitEach,  // after each record that is piped in
  // Each record runs, is aborted, runs again and is committed; stores lie over a disk that applies
  // late, and what it has is thrown out of memory before each record.
  kAbortThenCommit,
  kByHand,  // the test calls commit() and abort()
};

class FakeTask final : public graph::NodeContext, private graph::RecordCollector {
 public:
  struct Sent {
    std::string topic;
    OptionalBytes key;
    OptionalBytes value;
    Timestamp timestamp;
    Headers headers;
    Partition partition = {};
  };
  static constexpr std::int32_t kPartitions = 4;  // of every topic that is written

  struct Logged {  // a changelog record
    Bytes key;
    OptionalBytes value;
    Timestamp timestamp;
  };

  // Lifetime: the graph outlives the task and gets no more nodes.
  explicit FakeTask(const graph::GraphBuilder& graph,
                    Transactions transactions = Transactions::kCommitEach)
      : graph_(graph), transactions_(transactions) {
    if (transactions == Transactions::kAbortThenCommit) disks_.emplace(state::MemoryDiskOptions{7});
    make_stores();
    make_nodes();
  }
  ~FakeTask() override { close_nodes(); }
  FakeTask(const FakeTask&) = delete;
  FakeTask& operator=(const FakeTask&) = delete;

  // Effect: runs one record, and what it causes, through the graph.
  // Errors: what serdes and users' functions throw; the transaction is aborted then.
  void pipe(std::string_view topic, OptionalBytesView key, OptionalBytesView value,
            std::int64_t timestamp_ms, Headers headers = {}) {
    const Sent record{std::string(topic), owned(key), owned(value), from_ms(timestamp_ms),
                      std::move(headers)};
    try {
      if (transactions_ == Transactions::kAbortThenCommit) {
        evict();
        run(record);
        abort();
        evict();
      }
      run(record);
      if (transactions_ != Transactions::kByHand) commit();
    } catch (...) {
      abort();
      throw;
    }
  }

  void commit() {
    for (auto& [name, store] : stores_) {
      Changelog& changelog = changelogs_[name];
      const std::size_t before = changelog.records.size();
      store->write_changes(changelog);
      const std::size_t after = changelog.records.size();
      if (after == before) {
        store->commit({});
      } else {
        store->commit({Offset(static_cast<std::int64_t>(before)),
                       Offset(static_cast<std::int64_t>(after) - 1)});
      }
    }
    memory_.commit();
    persisted_ = memory_.persisted();
    committed_.insert(committed_.end(), std::make_move_iterator(pending_.begin()),
                      std::make_move_iterator(pending_.end()));
    pending_.clear();
    for (auto& [topic, input] : inputs_) input.committed = input.now;
  }

  void abort() {
    close_nodes();
    for (auto& [name, store] : stores_) store->abort();
    memory_.abort();
    pending_.clear();
    loop_.clear();
    for (auto& [topic, input] : inputs_) input.now = input.committed;
    make_nodes();
  }

  // Effect: as if the process had ended after the last commit: stores are filled from their
  // changelogs, task memory from what is persisted.
  void restart() {
    close_nodes();
    pending_.clear();
    loop_.clear();
    memory_ = state::TaskMemory();
    for (const auto& entry : persisted_) memory_.load(entry.name, entry.value);
    make_stores();
    for (auto& [name, store] : stores_) {
      const Offset restored_to = store->restored_to();
      std::int64_t offset = -1;
      for (const Logged& record : changelogs_[name].records) {
        if (Offset(++offset) <= restored_to) continue;
        const OptionalBytesView value =
            record.value ? OptionalBytesView(*record.value) : std::nullopt;
        const Status status = store->restore(record.key, value, record.timestamp, Offset(offset));
        if (!status.ok()) throw std::runtime_error(status.message());
      }
      store->finish_restore();
      while (!store->restored()) {
      }
    }
    for (auto& [topic, input] : inputs_) input.now = input.committed;
    make_nodes();
  }

  // What was sent to topics that the graph does not read, since the last take().
  std::vector<Sent> take() {
    std::vector<Sent> sent = std::move(committed_);
    committed_.clear();
    sent.insert(sent.end(), std::make_move_iterator(pending_.begin()),
                std::make_move_iterator(pending_.end()));
    pending_.clear();
    return sent;
  }

  const std::vector<Logged>& changelog(const std::string& store) {
    return changelogs_[store].records;
  }

  // How many records the node of this name dropped for this reason.
  std::int64_t dropped(std::string_view node, graph::DropReason reason) {
    const std::string name =
        "drop/" + std::string(node) + "/" + std::string(graph::to_string(reason));
    return std::max<std::int64_t>(memory_[memory_.add(name, state::Persisted::kNo)], 0);
  }

  // NodeContext
  TaskId task_id() const override { return {}; }
  state::Store* store(std::string_view name) override {
    const auto found = stores_.find(name);
    return found == stores_.end() ? nullptr : found->second.get();
  }
  state::TaskMemory& memory() override { return memory_; }
  graph::RecordCollector& collector() override { return *this; }
  graph::SinkTarget sink(std::string_view topic) override {
    for (std::size_t i = 0; i < sinks_.size(); ++i) {
      if (sinks_[i] == topic) return {static_cast<std::int32_t>(i), kPartitions};
    }
    sinks_.emplace_back(topic);
    return {static_cast<std::int32_t>(sinks_.size() - 1), kPartitions};
  }
  graph::Node& node(graph::NodeId id) override {
    return *nodes_.at(static_cast<std::size_t>(id.value()));
  }

 private:
  struct Changelog : state::ChangelogWriter {
    void write(BytesView key, OptionalBytesView value, Timestamp timestamp) override {
      records.push_back({Bytes(key), owned(value), timestamp});
    }
    std::vector<Logged> records;
  };
  struct Progress {
    Timestamp partition_time = kNoTimestamp;
    std::int64_t offset = 0;
  };
  struct Input {
    graph::NodeId source;
    std::unique_ptr<graph::SourceSlot> slot;
    Progress now;
    Progress committed;
  };

  static OptionalBytes owned(OptionalBytesView bytes) {
    return bytes ? OptionalBytes(Bytes(*bytes)) : std::nullopt;
  }

  void make_stores() {
    stores_.clear();
    if (disks_) open_disk();
    for (const auto& [name, spec] : graph_.stores()) {
      if (!spec.needed) continue;
      const bool on_disk = disk_ && spec.persistent;
      std::unique_ptr<state::Store> store = spec.make(on_disk ? &disk_->table(name) : nullptr);
      store->bind(memory_);
      stores_.emplace(name, std::move(store));
    }
  }

  void open_disk() {
    disk_.reset();
    state::TaskDiskSpec spec{.directory = "task", .stores = {}};
    for (const auto& [name, store] : graph_.stores()) {
      if (store.needed && store.persistent) spec.stores.push_back({name, store.facts});
    }
    disk_ = disks_->open_task(std::move(spec), [] {});
  }

  // Effect: what the disk has goes from memory; twice, because what was used is spared once.
  void evict() {
    for (auto& [name, store] : stores_) {
      for (int i = 0; i < 2; ++i) store->evict(1 << 20);
    }
  }

  void make_nodes() {
    for (const graph::NodeSpec& spec : graph_.nodes()) {
      nodes_.emplace_back(spec.prototype->clone())->set_name(spec.name);
    }
    for (const graph::NodeSpec& spec : graph_.nodes()) {
      for (const graph::NodeId child : spec.children) node(spec.id).connect(node(child));
    }
    for (const graph::NodeSpec& spec : graph_.nodes()) {  // parents come before their children
      if (spec.kind == graph::NodeKind::kSource) {
        for (const std::string& topic : spec.topics) {
          Input& input = inputs_[topic];
          input.source = spec.id;
          input.slot = dynamic_cast<graph::SourceNodeBase&>(node(spec.id)).make_slot();
        }
      }
      node(spec.id).init(*this);
    }
  }

  void close_nodes() {
    for (const auto& node : nodes_) node->close();
    for (auto& [topic, input] : inputs_) input.slot.reset();
    nodes_.clear();
  }

  void run(const Sent& record) {
    loop_.push_back(record);
    while (!loop_.empty()) {
      const Sent next = std::move(loop_.front());
      loop_.pop_front();
      run_one(next);
    }
  }

  void run_one(const Sent& record) {
    const auto found = inputs_.find(record.topic);
    if (found == inputs_.end()) throw std::invalid_argument("no source reads " + record.topic);
    Input& input = found->second;
    const RecordView view{record.key ? OptionalBytesView(*record.key) : std::nullopt,
                          record.value ? OptionalBytesView(*record.value) : std::nullopt,
                          record.timestamp, Offset(input.now.offset), &record.headers};
    RecordContext context{record.topic,   Partition(0), view.offset,
                          view.timestamp, view.headers, {}};
    ++input.now.offset;
    using Decoded = graph::SourceSlot::Decoded;
    const Decoded decoded = input.slot->decode(view, context, input.now.partition_time);
    if (decoded == Decoded::kNullKey) return drop(input.source, graph::DropReason::kNullKey);
    if (decoded == Decoded::kNullValue) return drop(input.source, graph::DropReason::kNullValue);
    if (context.timestamp < Timestamp{})
      return drop(input.source, graph::DropReason::kNegativeTimestamp);
    input.now.partition_time = std::max(input.now.partition_time, context.timestamp);
    input.slot->process(context);
  }

  void drop(graph::NodeId source, graph::DropReason reason) {
    drop_counter(node(source), reason).count();
  }

  void send(graph::SinkTarget target, Partition partition, OptionalBytesView key,
            OptionalBytesView value, Timestamp timestamp, const Headers& headers) override {
    Sent record{sinks_.at(static_cast<std::size_t>(target.index)),
                owned(key),
                owned(value),
                timestamp,
                headers,
                partition};
    (inputs_.contains(record.topic) ? loop_ : pending_).push_back(std::move(record));
  }

  const graph::GraphBuilder& graph_;
  const Transactions transactions_;
  state::TaskMemory memory_;
  std::vector<state::TaskMemory::Entry> persisted_;
  std::optional<state::MemoryDiskHost> disks_;
  std::unique_ptr<state::TaskDisk> disk_;  // before the stores, which lie there
  std::map<std::string, std::unique_ptr<state::Store>, std::less<>> stores_;
  std::map<std::string, Changelog> changelogs_;
  std::vector<std::unique_ptr<graph::Node>> nodes_;  // by id
  std::map<std::string, Input> inputs_;              // by topic
  std::vector<std::string> sinks_;
  std::deque<Sent> loop_;
  std::deque<Sent> pending_;
  std::vector<Sent> committed_;
};

}  // namespace millrace::testing
