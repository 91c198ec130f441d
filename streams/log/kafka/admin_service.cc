#include "log/kafka/admin_service.h"

#include <optional>
#include <utility>

namespace millrace::log {
namespace {

// A reader that starts many partitions of a topic asks about it once.
constexpr Duration kSeenFor{1000};

}  // namespace

AdminService::AdminService(const KafkaLogOptions& options, std::shared_ptr<ClosingClients> closing)
    : operation_deadline_(options.operation_deadline) {
  ConfPtr conf = make_conf(options, ClientRole::kAdmin,
                           {{"isolation.level", "read_uncommitted"},
                            {"group.id", "millrace-admin"},  // never joined
                            {"enable.auto.commit", "false"},
                            {"allow.auto.create.topics", "false"}});
  shared_->client =
      Client::start(ClientRole::kAdmin, std::move(conf),
                    std::make_shared<ClientContext>(options, nullptr), std::move(closing));
}

AdminService::~AdminService() { shared_->client->owner_is_gone(); }

void AdminService::run(std::function<void(AdminCalls&, Deadline)> call) {
  const Deadline deadline = std::chrono::steady_clock::now() + operation_deadline_;
  thread_.run([shared = shared_, call = std::move(call), deadline] {
    AdminCalls calls(*shared->client);
    call(calls, deadline);
  });
}

void AdminService::check_exists(const TopicPartition& where, std::function<void(Status)> missing) {
  run([shared = shared_, where, missing = std::move(missing)](AdminCalls& calls,
                                                              Deadline deadline) {
    const Deadline now = std::chrono::steady_clock::now();
    const auto known = shared->seen.find(where.topic);
    if (known != shared->seen.end() && now - known->second.first < kSeenFor &&
        where.partition.value() < known->second.second) {
      return;
    }
    const auto count = calls.partition_count(where.topic, deadline);
    if (!count.ok()) {
      // A refusal is final; else it is not known, and the reader waits for the broker by itself.
      if (count.status().consequence() == Consequence::kFatal) missing(count.status());
      return;
    }
    shared->seen[where.topic] = {now, count.value().value_or(0)};
    if (where.partition.value() < count.value().value_or(0)) return;
    missing(Status::fatal(
        "read " + to_string(where) + ": " +
        (count.value() ? "the topic has only " + std::to_string(*count.value()) + " partitions"
                       : std::string("there is no such topic"))));
  });
}

void AdminService::BatchLimit::note(const TopicsDescribed& described) {
  for (const TopicDescription& topic : described.topics) {
    if (!topic.max_message_bytes) continue;
    std::int64_t smallest = bytes_;
    while (*topic.max_message_bytes < smallest &&
           !bytes_.compare_exchange_weak(smallest, *topic.max_message_bytes)) {
    }
  }
}

}  // namespace millrace::log
