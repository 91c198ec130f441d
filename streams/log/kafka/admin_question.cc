#include "log/kafka/admin_question.h"

#include <algorithm>

#include "log/kafka/kafka_error.h"

namespace millrace::log {
namespace {

constexpr int kMomentMs = 10;

// For librdkafka to give up first, which says more than silence.
constexpr int kGraceMs = 500;

}  // namespace

int ms_left(Deadline deadline) {
  const auto left =
      std::chrono::duration_cast<Duration>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<std::int64_t>(1, left.count()));
}

bool wait_a_moment(const Client& client, Deadline deadline) {
  rd_kafka_poll(client.get(), kMomentMs);
  return std::chrono::steady_clock::now() < deadline;
}

// Librdkafka 2.0.2 can lose an answer, so its own time-out is not relied on.
EventPtr ask(rd_kafka_t* client, rd_kafka_admin_op_t operation, Deadline deadline,
             const std::function<void(rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>& submit) {
  const AdminOptionsPtr options(rd_kafka_AdminOptions_new(client, operation));
  const QueuePtr queue(rd_kafka_queue_new(client));
  char reason[256];
  rd_kafka_AdminOptions_set_request_timeout(options.get(), ms_left(deadline), reason,
                                            sizeof reason);
  if (operation == RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS) {
    if (rd_kafka_error_t* error =
            rd_kafka_AdminOptions_set_require_stable_offsets(options.get(), 1)) {
      rd_kafka_error_destroy(error);
    }
  }
  submit(options.get(), queue.get());
  return EventPtr(rd_kafka_queue_poll(queue.get(), ms_left(deadline) + kGraceMs));
}

Status failure_of(std::string_view what, const EventPtr& event, const Client& client) {
  if (event == nullptr)
    return admin_status(what, RD_KAFKA_RESP_ERR__TIMED_OUT, "", client.context());
  const char* reason = rd_kafka_event_error_string(event.get());
  return admin_status(what, rd_kafka_event_error(event.get()), reason == nullptr ? "" : reason,
                      client.context());
}

}  // namespace millrace::log
