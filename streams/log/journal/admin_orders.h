// Changes that an admin or the cleaner orders: each is a frame of its own, prepared and carried out by the writer.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "log/admin.h"
#include "log/journal/catalog.h"
#include "log/journal/journal_transaction.h"
#include "log/journal/live_topics.h"

namespace millrace::log::journal {

struct CreateTopics {
  std::vector<NewTopic> topics;
};
struct DeleteTopics {
  std::vector<std::string> names;
};
struct DeleteRecords {
  std::vector<DeleteBelow> below;
};

// What the cleaner found that retention does not keep.
struct LetGo {
  std::vector<RecordsDeleted> deletions;
};

struct AdminOrder {
  JournalTransaction::Waiting waiting;
  std::variant<CreateTopics, DeleteTopics, DeleteRecords, LetGo> what;
};

// What is to be written for an order, perhaps nothing, and what is wrong with the rest of it.
struct PreparedOrder {
  Frame frame;
  Status status;
  bool is_empty() const {
    return frame.topics_made.empty() && frame.topics_deleted.empty() && frame.deletions.empty();
  }
};

// REQUIRES, both: the journal's mutex is held.
PreparedOrder prepare(const AdminOrder& order, const Catalog& catalog, const LiveTopics& topics);
// Effect: the frame is in the catalog; now it is in force.
void take_effect(const Frame& frame, const Catalog& catalog, LiveTopics& topics);

}  // namespace millrace::log::journal
