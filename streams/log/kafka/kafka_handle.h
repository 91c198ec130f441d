// Ownership of librdkafka's clients. Destroying one joins its threads and can hang for good (a
// topic deleted while it is read, a message never given back), so it happens on a thread of its own
// that nobody waits for; ClosingClients counts those that have not ended.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "log/kafka/kafka_config.h"
#include "log/kafka/kafka_events.h"

namespace millrace::log {

// Clients whose owner is gone and that have not ended yet. Thread-safe.
class ClosingClients {
 public:
  using Ticket = std::int64_t;

  Ticket add();
  void remove(Ticket ticket);
  int count(Duration longer_than) const;

  // Effect: waits until none is left, or the time is over.
  void wait(Duration at_most) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<Ticket, std::chrono::steady_clock::time_point> since_;  // guarded by mutex_
  Ticket last_ = 0;                                                // guarded by mutex_
};

// What the callbacks of one client see; lives until the client is destroyed. Derived classes add
// what their callbacks need.
class ClientContext {
 public:
  ClientContext(const KafkaLogOptions& options, std::shared_ptr<Mailbox> mailbox)
      : servers_(options.bootstrap_servers),
        on_log_line_(options.on_log_line),
        mailbox_(std::move(mailbox)) {}
  virtual ~ClientContext() = default;

  // nullptr: a client that serves several objects.
  Mailbox* mailbox() const { return mailbox_.get(); }

  // "bootstrap.servers=... (last error: ...)": where a failure took place, for messages.
  std::string whereabouts() const;

  void note_error(std::string text) noexcept;
  void log_line(int level, std::string_view line) noexcept;

 private:
  const std::string servers_;
  const std::function<void(int, std::string_view)> on_log_line_;
  const std::shared_ptr<Mailbox> mailbox_;
  mutable std::mutex mutex_;
  std::string last_error_;  // guarded by mutex_
};

// One rd_kafka_t. Shared by its owner, by a thread that still uses it and by batches that still
// hold its messages; when the last of them lets go, it is destroyed in the background.
class Client {
 public:
  // Effect: starts a client; no broker is needed for it. Errors: ConfigError.
  static std::shared_ptr<Client> start(ClientRole role, ConfPtr conf,
                                       std::shared_ptr<ClientContext> context,
                                       std::shared_ptr<ClosingClients> closing);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  rd_kafka_s* get() const { return handle_; }
  ClientContext& context() const { return *context_; }

  // Effect: from now on it counts as closing.
  void owner_is_gone();

 private:
  Client(rd_kafka_s* handle, std::shared_ptr<ClientContext> context,
         std::shared_ptr<ClosingClients> closing);

  rd_kafka_s* const handle_;
  std::shared_ptr<ClientContext> context_;
  std::shared_ptr<ClosingClients> closing_;
  std::atomic<ClosingClients::Ticket> ticket_{0};
};

}  // namespace millrace::log
