// The one client and thread of a Kafka log for questions about topics, offsets and groups. Apart
// from the clients that carry records, because these calls wait, and 2.0.2 can lose an answer.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "log/kafka/admin_calls.h"
#include "log/kafka/call_thread.h"

namespace millrace::log {

// Thread-safe.
class AdminService {
 public:
  AdminService(const KafkaLogOptions& options, std::shared_ptr<ClosingClients> closing);
  ~AdminService();

  // Effect: makes the call on the admin thread, with the deadline counted from now: while a broker
  // is away, what was asked meanwhile ends with the first. What the call uses it keeps alive.
  void run(std::function<void(AdminCalls&, Deadline)> call);

  // Effect: calls `missing`, on the admin thread, if there is no such partition now.
  void check_exists(const TopicPartition& where, std::function<void(Status)> missing);

  // The largest batch that every topic described so far takes: a broker refuses a larger one whole.
  class BatchLimit {
   public:
    std::int64_t bytes() const { return bytes_; }
    void note(const TopicsDescribed& described);

   private:
    std::atomic<std::int64_t> bytes_{1'000'000};
  };
  const std::shared_ptr<BatchLimit>& batch_limit() const { return batch_limit_; }

 private:
  struct Shared {
    std::shared_ptr<Client> client;
    // When a topic was last seen, and its partitions. Only on the admin thread.
    std::map<std::string, std::pair<Deadline, std::int32_t>> seen;
  };

  const Duration operation_deadline_;
  const std::shared_ptr<BatchLimit> batch_limit_ = std::make_shared<BatchLimit>();
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  CallThread thread_;
};

}  // namespace millrace::log
