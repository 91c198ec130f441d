// The log seam on Apache Kafka, through librdkafka's C API (2.0.2 or later), which no header here
// includes.
//
//   log::KafkaLog kafka({.bootstrap_servers = "kafka1:9092,kafka2:9092",
//                        .properties = {{"security.protocol", "ssl"}, {"producer.linger.ms",
//                        "20"}}});
//
// A record stamped with time 0 is written with 1 ms: librdkafka would take 0 for "now".
//
// Groups: make_membership() makes members of a group within this KafkaLog (log/group/local_group.h).
// The broker's group stays without members, so a second process with the same group is not kept from
// reading the same partitions: only its transactional ids tell the two apart.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "log/log.h"

namespace millrace::log {

struct KafkaLogOptions {
  std::string bootstrap_servers;  // "host:port,host:port"

  // librdkafka's configuration, passed through. The prefixes "producer.", "consumer." and "admin."
  // limit a property to one kind of client; without one it goes to all. What the engine owns
  // (isolation level, idempotence, time-outs of transactions, ...) is refused by name.
  std::map<std::string, std::string> properties{};

  std::string client_id = "millrace";

  // The longest that an operation without a time-out of its own lasts: questions of the admin,
  // init, and what is left of a transaction when the broker is away.
  Duration operation_deadline{10'000};

  // librdkafka's own log lines (level as in syslog: 3 error, 4 warning, 6 info). Called from its
  // threads; must not throw. None: failures are told by the events they cause.
  std::function<void(int level, std::string_view line)> on_log_line{};
};

// Thread-safety: as Log. The destructor gives clients a short time to end, and abandons those that
// do not: librdkafka can hang there, for example after a topic that was being read was deleted.
class KafkaLog final : public Log {
 public:
  // Errors: ConfigError, naming every wrong property at once, never a value of a secret one. A
  // broker that is not there is no error here: operations end with kRetry.
  explicit KafkaLog(KafkaLogOptions options);
  ~KafkaLog() override;

  std::unique_ptr<LogProducer> make_producer(ProducerOptions options, Inbox& inbox) override;
  std::unique_ptr<LogReader> make_reader(ReaderOptions options, Inbox& inbox) override;
  std::unique_ptr<LogAdmin> make_admin(Inbox& inbox) override;
  std::unique_ptr<GroupMembership> make_membership(MembershipOptions options,
                                                   Inbox& inbox) override;

  // Clients whose owner is gone for longer than this and that have not ended: abandoned.
  int clients_closing(Duration longer_than) const;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace millrace::log
