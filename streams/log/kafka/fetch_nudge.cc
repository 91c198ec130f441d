#include "log/kafka/fetch_nudge.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "log/kafka/rdkafka_owned.h"

namespace millrace::log {
namespace {

// "" where the client has no such property or no value for it.
std::string property(rd_kafka_t* client, const char* name) {
  std::array<char, 4096> value{};
  std::size_t size = value.size();
  if (rd_kafka_conf_get(rd_kafka_conf(client), name, value.data(), &size) != RD_KAFKA_CONF_OK) {
    return "";
  }
  return value.data();
}

std::size_t half(const std::string& number) {
  return std::max<std::size_t>(1, std::strtoull(number.c_str(), nullptr, 10) / 2);
}

}  // namespace

FetchNudge::FetchNudge(rd_kafka_s* consumer) : consumer_(consumer) {
  if (!property(consumer, "fetch.queue.backoff.ms").empty()) return;  // looks again by itself
  after_records_ = half(property(consumer, "queued.min.messages"));
  after_bytes_ = half(property(consumer, "queued.max.messages.kbytes")) * 1024;
  username_ = property(consumer, "sasl.username");
  password_ = property(consumer, "sasl.password");
}

// Of all calls that wake the broker threads this is the one without another effect: the credentials
// are what they were, and connections that stand are not asked for them again.
void FetchNudge::wake() {
  (void)take_text(rd_kafka_sasl_set_credentials(consumer_, username_.c_str(), password_.c_str()));
}

}  // namespace millrace::log
