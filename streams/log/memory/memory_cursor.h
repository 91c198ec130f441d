// One partition as one reader reads it.
//
//   position <= arrived <= the readable end
//
// drain() moves the position, a fetch (act) moves the bound; the end is reported once the position
// has come to it, and again each time it has moved.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "log/inbox.h"
#include "log/memory/broker.h"

namespace millrace::log::memory {

class MemoryCursor final : private Actor, private MemoryPartition::Watcher {
 public:
  MemoryCursor(Broker& broker, Inbox& inbox, Epoch reader, ReaderPartition index,
               Isolation isolation, TopicPartition where, Offset from);
  ~MemoryCursor() override;

  void drain(std::size_t max, RecordBatch& batch);
  Offset position() const { return position_; }
  bool caught_up() const { return reported_ == position_ && arrived_ == position_; }
  const TopicPartition& where() const { return where_; }

 private:
  void act() override;  // fetches
  void partition_changed() override;
  MemoryPartition* find();
  void fetch();
  void pass_unseen();
  void stand_still(std::variant<OffsetOutOfRange, ReadFailed> why, const char* message);

  Broker& broker_;
  Inbox& inbox_;
  const Epoch reader_;
  const ReaderPartition index_;
  const Isolation isolation_;
  const TopicPartition where_;
  std::shared_ptr<MemoryTopic> topic_;
  MemoryPartition* partition_ = nullptr;  // of topic_; nullptr: not found yet, or standing still
  Offset position_;
  Offset arrived_;
  std::optional<Offset> reported_;  // the end that was reported last
  bool stands_still_ = false;
};

}  // namespace millrace::log::memory
