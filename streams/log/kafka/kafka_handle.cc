#include "log/kafka/kafka_handle.h"

#include <librdkafka/rdkafka.h>

#include <thread>
#include <utility>

#include "millrace/error.h"

namespace millrace::log {
namespace {

ClientContext& context_of(void* opaque) { return *static_cast<ClientContext*>(opaque); }

void on_error(rd_kafka_t*, int code, const char* reason, void* opaque) noexcept {
  const char* name = rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(code));
  context_of(opaque).note_error(std::string(name) + ": " + reason);
}

void on_log_line(const rd_kafka_t* handle, int level, const char* facility,
                 const char* line) noexcept {
  void* opaque = rd_kafka_opaque(handle);
  if (opaque != nullptr) context_of(opaque).log_line(level, std::string(facility) + ": " + line);
}

}  // namespace

ClosingClients::Ticket ClosingClients::add() {
  std::lock_guard lock(mutex_);
  since_.emplace(++last_, std::chrono::steady_clock::now());
  return last_;
}

void ClosingClients::remove(Ticket ticket) {
  std::lock_guard lock(mutex_);
  since_.erase(ticket);
  changed_.notify_all();
}

int ClosingClients::count(Duration longer_than) const {
  std::lock_guard lock(mutex_);
  const auto limit = std::chrono::steady_clock::now() - longer_than;
  int n = 0;
  for (const auto& [ticket, since] : since_) n += since <= limit ? 1 : 0;
  return n;
}

void ClosingClients::wait(Duration at_most) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, at_most, [&] { return since_.empty(); });
}

std::string ClientContext::whereabouts() const {
  std::lock_guard lock(mutex_);
  std::string text = "bootstrap.servers=" + servers_;
  if (!last_error_.empty()) text += " (last error: " + last_error_ + ")";
  return text;
}

void ClientContext::note_error(std::string text) noexcept {
  std::lock_guard lock(mutex_);
  last_error_ = std::move(text);
}

void ClientContext::log_line(int level, std::string_view line) noexcept {
  if (on_log_line_) on_log_line_(level, line);
}

std::shared_ptr<Client> Client::start(ClientRole role, ConfPtr conf,
                                      std::shared_ptr<ClientContext> context,
                                      std::shared_ptr<ClosingClients> closing) {
  rd_kafka_conf_set_opaque(conf.get(), context.get());
  rd_kafka_conf_set_error_cb(conf.get(), on_error);
  rd_kafka_conf_set_log_cb(conf.get(), on_log_line);
  char reason[512] = "";
  const auto type = role == ClientRole::kProducer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
  rd_kafka_t* handle = rd_kafka_new(type, conf.get(), reason, sizeof reason);
  if (handle == nullptr) throw ConfigError(std::string("Kafka client cannot start: ") + reason);
  (void)conf.release();  // the client owns it now
  return std::shared_ptr<Client>(new Client(handle, std::move(context), std::move(closing)));
}

Client::Client(rd_kafka_s* handle, std::shared_ptr<ClientContext> context,
               std::shared_ptr<ClosingClients> closing)
    : handle_(handle), context_(std::move(context)), closing_(std::move(closing)) {}

void Client::owner_is_gone() {
  if (ticket_ == 0) ticket_ = closing_->add();
}

Client::~Client() {
  owner_is_gone();
  try {
    // The context goes after the client: callbacks may come until rd_kafka_destroy has returned.
    std::thread([handle = handle_, context = context_, closing = closing_,
                 ticket = ticket_.load()] {
      rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
      closing->remove(ticket);
    }).detach();
  } catch (const std::system_error&) {
    // No thread to be had: the client stays, its context with it, and it stays counted.
    new std::shared_ptr<ClientContext>(context_);
  }
}

}  // namespace millrace::log
