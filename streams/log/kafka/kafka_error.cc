#include "log/kafka/kafka_error.h"

#include <librdkafka/rdkafka.h>

#include "log/kafka/kafka_handle.h"

namespace millrace::log {
namespace {

bool is_unreachable(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
      return true;
    default:
      return false;
  }
}

// The broker may answer otherwise in a moment.
bool is_passing(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED:
      return true;
    default:
      return false;
  }
}

std::string unreachable(std::string_view what, const ClientContext& context) {
  return std::string(what) + ": no answer from Kafka at " + context.whereabouts() +
         "; check the address and that the broker runs";
}

}  // namespace

std::string describe_error(int code) {
  const auto err = static_cast<rd_kafka_resp_err_t>(code);
  return std::string(rd_kafka_err2name(err)) + " (" + rd_kafka_err2str(err) + ")";
}

Refusal refusal_of(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
      return Refusal::kRecord;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
      return Refusal::kTopic;
    default:
      return Refusal::kPassing;
  }
}

bool is_refusal(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SECURITY_DISABLED:
      return true;
    default:
      return false;
  }
}

Status transactional_status(std::string_view what, rd_kafka_error_s* error,
                            const ClientContext& context) {
  if (error == nullptr) return Status::success();
  const int code = rd_kafka_error_code(error);
  const bool fatal = rd_kafka_error_is_fatal(error) != 0;
  const bool requires_abort = rd_kafka_error_txn_requires_abort(error) != 0;
  const std::string text = std::string(what) + ": " + rd_kafka_error_name(error) + " (" +
                           rd_kafka_error_string(error) + ")";
  rd_kafka_error_destroy(error);

  if (is_refusal(code)) return Status::fatal(text + "; " + context.whereabouts());
  if (fatal) return Status::fenced(text);
  if (requires_abort) return Status::abort(text);
  if (is_unreachable(code)) return Status::retry(unreachable(what, context));
  if (is_passing(code)) return Status::retry(text);
  // A call out of turn or something librdkafka learned later than we did: a new producer knows.
  return Status::fenced(text);
}

Status admin_status(std::string_view what, int code, std::string_view reason,
                    const ClientContext& context) {
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return Status::success();
  if (is_unreachable(code)) return Status::retry(unreachable(what, context));
  std::string text = std::string(what) + ": " + describe_error(code);
  if (!reason.empty()) text += ": " + std::string(reason);
  return is_passing(code) ? Status::retry(std::move(text)) : Status::fatal(std::move(text));
}

}  // namespace millrace::log
