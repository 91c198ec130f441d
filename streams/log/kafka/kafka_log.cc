#include "log/kafka/kafka_log.h"

#include <atomic>
#include <utility>

#include "log/group/local_membership.h"
#include "log/kafka/admin_service.h"
#include "log/kafka/kafka_admin.h"
#include "log/kafka/kafka_config.h"
#include "log/kafka/kafka_producer.h"
#include "log/kafka/kafka_reader.h"

namespace millrace::log {
namespace {

// Ending takes milliseconds; longer waits are for clients that hang.
constexpr Duration kClosePatience{2000};

}  // namespace

class KafkaLog::Core {
 public:
  explicit Core(KafkaLogOptions options_)
      : options((check_options(options_), std::move(options_))) {}

  Epoch next_epoch() { return Epoch(++last_epoch); }

  const KafkaLogOptions options;
  std::atomic<std::int64_t> last_epoch{0};
  const std::shared_ptr<LocalGroups> groups = std::make_shared<LocalGroups>();
  const std::shared_ptr<ClosingClients> closing = std::make_shared<ClosingClients>();
  // Goes before what it uses; its own thread may outlive it.
  const std::shared_ptr<AdminService> admin = std::make_shared<AdminService>(options, closing);
};

KafkaLog::KafkaLog(KafkaLogOptions options) : core_(std::make_shared<Core>(std::move(options))) {
  // A client of each kind says at once what no single property shows: a missing certificate, an
  // unknown mechanism. No broker is needed for it.
  Inbox scratch;
  (void)make_producer({.transactional_id = "millrace-check"}, scratch);
  (void)make_reader({}, scratch);
}

KafkaLog::~KafkaLog() {
  const std::shared_ptr<LocalGroups> groups = std::make_shared<LocalGroups>();
  const std::shared_ptr<ClosingClients> closing = core_->closing;
  core_.reset();  // the admin's client closes too
  closing->wait(kClosePatience);
}

std::unique_ptr<LogProducer> KafkaLog::make_producer(ProducerOptions options, Inbox& inbox) {
  return std::make_unique<KafkaProducer>(core_->options, std::move(options),
                                         core_->admin->batch_limit()->bytes(), core_->next_epoch(),
                                         inbox, core_->closing, core_->groups);
}

std::unique_ptr<LogReader> KafkaLog::make_reader(ReaderOptions options, Inbox& inbox) {
  return std::make_unique<KafkaReader>(
      core_->options, options, core_->next_epoch(), inbox, core_->closing,
      [admin = core_->admin](const TopicPartition& where, auto missing) {
        admin->check_exists(where, std::move(missing));
      });
}

std::unique_ptr<LogAdmin> KafkaLog::make_admin(Inbox& inbox) {
  return std::make_unique<KafkaAdmin>(core_->admin, core_->next_epoch(), inbox);
}

std::unique_ptr<GroupMembership> KafkaLog::make_membership(MembershipOptions options,
                                                           Inbox& inbox) {
  return make_local_membership(core_->groups->find(options.group, options.members_at_start),
                               core_->next_epoch(), inbox);
}

int KafkaLog::clients_closing(Duration longer_than) const {
  return core_->closing->count(longer_than);
}

}  // namespace millrace::log
