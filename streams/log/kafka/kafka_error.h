// What librdkafka's errors oblige the engine to do, and the sentences that say so.
#pragma once

#include <string>
#include <string_view>

#include "log/event.h"
#include "log/kafka/rdkafka_types.h"
#include "millrace/result.h"

namespace millrace::log {

class ClientContext;

// Effect: the status of a transactional call; frees the error. A time-out is kRetry here: what is
// in doubt after it, the caller knows.
Status transactional_status(std::string_view what, rd_kafka_error_s* error,
                            const ClientContext& context);

// Effect: the status of a question or order about topics, offsets, groups.
Status admin_status(std::string_view what, int code, std::string_view reason,
                    const ClientContext& context);

// "UNKNOWN_TOPIC_OR_PART (Broker: Unknown topic or partition)".
std::string describe_error(int code);

// What it means that a record was not delivered for this reason.
Refusal refusal_of(int code);

// True for errors that no repetition cures: authorization, unsupported requests.
bool is_refusal(int code);

}  // namespace millrace::log
