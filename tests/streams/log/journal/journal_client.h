// What tests of the journal log are written with: operations that are waited for, and everything that a
// partition shows. What takes too long throws, and says what it was.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "log/journal/journal_log.h"

namespace millrace::log::journal {

inline std::unique_ptr<JournalLog> open_or_throw(
    JournalOptions options, const JournalLog::Surroundings& surroundings = {}) {
  auto opened = JournalLog::open(std::move(options), surroundings);
  if (!opened.ok()) throw std::runtime_error(opened.status().message());
  return std::move(opened.value());
}

// One thread's access to a log. Not thread-safe.
class JournalClient {
 public:
  explicit JournalClient(Log& log) : log_(log), admin_(log.make_admin(inbox_)) {}

  Inbox& inbox() { return inbox_; }
  LogAdmin& admin() { return *admin_; }
  OperationId next() { return last_ = OperationId(last_.value() + 1); }

  // Effect: waits for the end of this operation; other events are dropped.
  Event wait(OperationId id) {
    Event event;
    until("an operation to end", [&] {
      while (inbox_.pop(event)) {
        if (event.operation == id) return true;
      }
      return false;
    });
    return event;
  }
  template <class Submit>
  Status run(Submit submit) {
    const OperationId id = next();
    submit(id);
    return wait(id).status;
  }

  void until(const char* what, const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline)
        throw std::runtime_error(std::string("waited in vain for ") + what);
      inbox_.wait(Duration(10));
    }
  }

  void create_topic(const std::string& name, std::int32_t partitions,
                    std::map<std::string, std::string> config = {}) {
    must(run([&](OperationId id) {
      admin_->submit_create_topics(id, {{name, partitions, std::move(config)}});
    }));
  }

  std::unique_ptr<LogProducer> producer(const std::string& id,
                                        Duration timeout = Duration(10'000)) {
    auto made =
        log_.make_producer({.transactional_id = id, .transaction_timeout = timeout}, inbox_);
    must(run([&](OperationId operation) { made->submit_init(operation); }));
    return made;
  }

  static void send(LogProducer& producer, const TopicPartition& where, std::string_view value,
                   std::string_view key = "key") {
    (void)producer.send(producer.topic(where.topic), where.partition,
                        {.key = key, .value = value, .timestamp = from_ms(1'600'000'000'000)});
  }
  Status flush(LogProducer& producer) {
    return run([&](OperationId id) { producer.submit_flush(id); });
  }
  Status commit(LogProducer& producer, std::vector<OffsetToCommit> offsets = {},
                const std::string& group = "") {
    return run(
        [&](OperationId id) { producer.submit_commit(id, std::move(offsets), {.group = group}); });
  }
  Status abort(LogProducer& producer) {
    return run([&](OperationId id) { producer.submit_abort(id); });
  }
  // Effect: begins, sends, flushes.
  void begin_with(LogProducer& producer, const TopicPartition& where,
                  const std::vector<std::string>& values) {
    must(producer.begin());
    for (const std::string& value : values) send(producer, where, value);
    must(flush(producer));
  }
  void commit_values(LogProducer& producer, const TopicPartition& where,
                     const std::vector<std::string>& values) {
    begin_with(producer, where, values);
    must(commit(producer));
  }

  Offset list(OffsetKind kind, const TopicPartition& where) {
    const OperationId id = next();
    admin_->submit_list_offsets(id, kind, {where});
    return std::get<OffsetsListed>(wait(id).what).offsets.at(0).offset;
  }
  CommittedOffset committed(const std::string& group, const TopicPartition& where) {
    const OperationId id = next();
    admin_->submit_committed_offsets(id, group, {where});
    return std::get<OffsetsCommitted>(wait(id).what).offsets.at(0);
  }

  using Values = std::vector<std::pair<std::int64_t, std::string>>;  // offset, value
  // Everything from `from` (or the start) to the end that a reader sees now.
  Values read(const TopicPartition& where, std::optional<Offset> from = {},
              Isolation isolation = Isolation::kReadCommitted) {
    const auto reader = log_.make_reader({.isolation = isolation}, inbox_);
    const ReaderPartition index =
        reader->start(where, from.value_or(list(OffsetKind::kStart, where)));
    Values values;
    RecordBatch batch;
    until("the end of the partition", [&] {
      do {
        reader->drain(index, 100, batch);
        for (const RecordView& record : batch)
          values.emplace_back(record.offset.value(), record.value.value_or("(null)"));
      } while (!batch.empty());
      return reader->caught_up(index);
    });
    last_position_ = reader->position(index);
    return values;
  }
  Offset last_position() const { return last_position_; }  // of the last read()

  static void must(const Status& status) {
    if (!status.ok()) throw std::runtime_error(status.message());
  }

 private:
  Log& log_;
  Inbox inbox_;
  const std::unique_ptr<LogAdmin> admin_;
  OperationId last_{0};
  Offset last_position_ = kNoOffset;
};

}  // namespace millrace::log::journal
