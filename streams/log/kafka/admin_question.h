// One question to the cluster and the wait for its answer.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include "log/kafka/kafka_handle.h"
#include "log/kafka/rdkafka_owned.h"

namespace millrace::log {

using Deadline = std::chrono::steady_clock::time_point;

// What is left until the deadline, at least 1.
int ms_left(Deadline deadline);

// Effect: asks by `submit` and waits for the answer. nullptr: none came in time.
EventPtr ask(rd_kafka_t* client, rd_kafka_admin_op_t operation, Deadline deadline,
             const std::function<void(rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>& submit);

Status failure_of(std::string_view what, const EventPtr& answer, const Client& client);

// Effect: waits a moment before a question is asked again. Returns false when the time is over.
bool wait_a_moment(const Client& client, Deadline deadline);

}  // namespace millrace::log
