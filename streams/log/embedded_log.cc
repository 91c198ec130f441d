#include "millrace/embedded_log.h"

#include <mutex>
#include <utility>
#include <vector>

#include "log/journal/journal_log.h"
#include "log/one_operation.h"
#include "millrace/clock.h"
#include "millrace/detail/text.h"
#include "millrace/error.h"
#include "millrace/partitioning.h"

namespace millrace {

namespace {

log::journal::JournalOptions checked(std::string directory,
                                     const std::map<std::string, std::string>& properties) {
  log::journal::JournalOptions options;
  std::vector<std::string> mistakes = log::journal::apply_embedded_properties(properties, options);
  if (directory.empty()) mistakes.emplace_back("the embedded log needs a directory");
  if (!mistakes.empty()) throw ConfigError(detail::join(mistakes, "\n"));
  options.directory = std::move(directory);
  return options;
}

// Throws what went wrong as whoever waits for it is told.
void check(const Status& status) {
  if (status.ok()) return;
  if (status.consequence() == Consequence::kFatal) throw StoppedError(status.message());
  throw TopicError(status.message());
}

}  // namespace

// --- the log -------------------------------------------------------------------------------------

struct EmbeddedLog::State {
  std::string directory;
  std::unique_ptr<log::journal::JournalLog> log;

  // An admin for one question.
  template <class Submit>
  log::Event ask(Submit submit) const {
    log::OneOperation operation;
    const auto admin = log->make_admin(operation.inbox());
    return operation.run([&](log::OperationId id) { submit(*admin, id); });
  }
};

EmbeddedLog::EmbeddedLog(std::string directory, std::map<std::string, std::string> properties,
                         Logger* logger)
    : state_(std::make_unique<State>()) {
  log::journal::JournalOptions options = checked(std::move(directory), properties);
  state_->directory = options.directory;
  auto opened = log::journal::JournalLog::open(
      std::move(options), {.logger = logger != nullptr ? *logger : stderr_logger()});
  if (!opened.ok()) throw StoppedError(opened.status().message());
  state_->log = std::move(opened.value());
}

EmbeddedLog::~EmbeddedLog() = default;

const std::string& EmbeddedLog::directory() const { return state_->directory; }

void EmbeddedLog::create_topic(const std::string& name, std::int32_t partitions,
                               std::map<std::string, std::string> config) {
  const log::Event made = state_->ask([&](log::LogAdmin& admin, log::OperationId id) {
    admin.submit_create_topics(id, {{name, partitions, std::move(config)}});
  });
  // A journal that has stopped and a name that makes no sense are both fatal to the order.
  if (!made.status.ok()) throw TopicError(made.status.message());
}

void EmbeddedLog::delete_topic(const std::string& name) {
  check(state_
            ->ask([&](log::LogAdmin& admin, log::OperationId id) {
              admin.submit_delete_topics(id, {name});
            })
            .status);
}

std::optional<std::int32_t> EmbeddedLog::partitions(const std::string& topic) const {
  const log::Event described = state_->ask([&](log::LogAdmin& admin, log::OperationId id) {
    admin.submit_describe_topics(id, {topic});
  });
  return std::get<log::TopicsDescribed>(described.what).topics.at(0).partitions;
}

namespace detail {

log::Log& log_of(EmbeddedLog& embedded) { return *embedded.state_->log; }

namespace {

std::int32_t partitions_of(const EmbeddedLog& log, const std::string& topic) {
  const auto partitions = log.partitions(topic);
  if (!partitions) throw TopicError("there is no topic " + topic + " in " + log.directory());
  return *partitions;
}

// A transactional id that nobody else has: a producer of the same id would be fenced. It is given out again
// when its writer is gone, so that a log does not have to remember an id for each writer that ever was.
class WriterId {
 public:
  WriterId() {
    const std::lock_guard lock(free().mutex);
    std::vector<std::int64_t>& numbers = free().numbers;
    if (numbers.empty()) numbers.push_back(++free().last);
    number_ = numbers.back();
    numbers.pop_back();
  }
  ~WriterId() {
    const std::lock_guard lock(free().mutex);
    free().numbers.push_back(number_);
  }
  WriterId(const WriterId&) = delete;
  WriterId& operator=(const WriterId&) = delete;

  std::string name() const { return "__embedded-writer-" + std::to_string(number_); }

 private:
  struct Free {
    std::mutex mutex;
    std::vector<std::int64_t> numbers;
    std::int64_t last = 0;
  };
  static Free& free() {
    static Free all;
    return all;
  }

  std::int64_t number_ = 0;
};

// Longer than a program may think between two records.
constexpr Duration kWriterTimeout{900'000};

}  // namespace

// --- writers -------------------------------------------------------------------------------------

struct EmbeddedWriterCore::State {
  State(EmbeddedLog& log, std::string name)
      : topic(std::move(name)),
        partitions(partitions_of(log, topic)),
        producer(log_of(log).make_producer(
            {.transactional_id = writer_id.name(), .transaction_timeout = kWriterTimeout},
            operation.inbox())),
        sink(producer->topic(topic)) {
    check(run(&log::LogProducer::submit_init));
  }

  Status run(void (log::LogProducer::*submit)(log::OperationId)) {
    return operation.run([&](log::OperationId id) { (*producer.*submit)(id); }).status;
  }

  const std::string topic;
  const std::int32_t partitions;
  log::OneOperation operation;
  const WriterId writer_id;
  const std::unique_ptr<log::LogProducer> producer;
  const log::SinkTopic sink;
  bool open = false;
  std::int32_t next_without_key = 0;
};

EmbeddedWriterCore::EmbeddedWriterCore(EmbeddedLog& log, std::string topic)
    : state_(std::make_unique<State>(log, std::move(topic))) {}
// What was appended and not flushed holds up nobody.
EmbeddedWriterCore::~EmbeddedWriterCore() = default;
EmbeddedWriterCore::EmbeddedWriterCore(EmbeddedWriterCore&&) noexcept = default;
EmbeddedWriterCore& EmbeddedWriterCore::operator=(EmbeddedWriterCore&&) noexcept = default;

void EmbeddedWriterCore::append(OptionalBytesView key, OptionalBytesView value, Timestamp timestamp,
                                const Headers& headers) {
  State& self = *state_;
  if (timestamp < Timestamp{}) {
    throw TopicError("a record for topic " + self.topic + " has the negative timestamp " +
                     std::to_string(to_ms(timestamp)) +
                     " ms. It was left out; the others of its transaction are as before");
  }
  if (!self.open) check(self.producer->begin());
  self.open = true;
  const Partition partition =
      key ? partition_for_key(*key, self.partitions) : Partition(self.next_without_key);
  if (!key) self.next_without_key = (self.next_without_key + 1) % self.partitions;
  (void)self.producer->send(
      self.sink, partition,
      {.key = key, .value = value, .timestamp = timestamp, .headers = &headers});
}

void EmbeddedWriterCore::commit() {
  State& self = *state_;
  if (!self.open) return;
  Status status = self.run(&log::LogProducer::submit_flush);
  if (!status.ok() && !self.operation.failure().ok()) status = self.operation.failure();
  if (status.ok()) {
    status =
        self.operation.run([&](log::OperationId id) { self.producer->submit_commit(id, {}, {}); })
            .status;
  }
  if (!status.ok() && status.consequence() != Consequence::kFatal)
    (void)self.run(&log::LogProducer::submit_abort);
  self.open = false;
  check(status);
}

// --- readers -------------------------------------------------------------------------------------

struct EmbeddedReaderCore::State {
  State(EmbeddedLog& log, std::string name)
      : topic(std::move(name)), reader(log_of(log).make_reader({}, inbox)) {
    const std::int32_t partitions = partitions_of(log, topic);
    log::OneOperation operation;
    const auto admin = log_of(log).make_admin(operation.inbox());
    std::vector<TopicPartition> all;
    for (std::int32_t p = 0; p < partitions; ++p) all.push_back({topic, Partition(p)});
    const log::Event starts = operation.run(
        [&](log::OperationId id) { admin->submit_list_offsets(id, log::OffsetKind::kStart, all); });
    for (const log::PartitionOffset& start : std::get<log::OffsetsListed>(starts.what).offsets)
      indexes.push_back(reader->start(start.where, start.offset));
  }

  // Effect: takes what the next partition that has something has. Returns whether there was any.
  bool fill() {
    constexpr std::size_t kSome = 500;
    at = 0;
    for (std::size_t tries = 0; tries < indexes.size(); ++tries) {
      partition = (partition + 1) % indexes.size();
      reader->drain(indexes[partition], kSome, batch);
      if (!batch.empty()) return true;
    }
    return false;
  }

  // Throws what ended the reading, if anything.
  void serve_inbox() {
    log::Event event;
    while (inbox.pop(event)) {
      if (!event.status.ok())
        throw StoppedError("topic " + topic + " cannot be read on: " + event.status.message());
    }
  }

  bool caught_up() const {
    for (const log::ReaderPartition index : indexes) {
      if (!reader->caught_up(index)) return false;
    }
    return true;
  }

  const std::string topic;
  log::Inbox inbox;
  const std::unique_ptr<log::LogReader> reader;
  std::vector<log::ReaderPartition> indexes;  // by partition
  log::RecordBatch batch;
  std::size_t partition = 0;  // of the batch
  std::size_t at = 0;         // in the batch
};

EmbeddedReaderCore::EmbeddedReaderCore(EmbeddedLog& log, std::string topic)
    : state_(std::make_unique<State>(log, std::move(topic))) {}
EmbeddedReaderCore::~EmbeddedReaderCore() = default;
EmbeddedReaderCore::EmbeddedReaderCore(EmbeddedReaderCore&&) noexcept = default;
EmbeddedReaderCore& EmbeddedReaderCore::operator=(EmbeddedReaderCore&&) noexcept = default;

std::optional<EmbeddedReaderCore::Read> EmbeddedReaderCore::read(Duration at_most) {
  State& self = *state_;
  const Duration deadline = SystemClock::instance().monotonic() + at_most;
  while (self.at == self.batch.size() && !self.fill()) {
    self.serve_inbox();
    const Duration left = deadline - SystemClock::instance().monotonic();
    if (left <= Duration(0)) return std::nullopt;
    self.inbox.wait(left);
  }
  return Read{Partition(static_cast<std::int32_t>(self.partition)), self.batch[self.at++]};
}

bool EmbeddedReaderCore::at_end() const {
  return state_->at == state_->batch.size() && state_->caught_up();
}

}  // namespace detail
}  // namespace millrace
