// The frame that brings transactions to their places.
#pragma once

#include <memory>
#include <vector>

#include "log/journal/catalog.h"
#include "log/journal/frame.h"
#include "log/journal/journal_transaction.h"

namespace millrace::log::journal {

// Records, offsets, and how far the offsets of each partition have come, aborted ones included: a reader
// may pass those and commit its position. The bytes are borrowed from the transactions' partitions, where
// they stay until they are settled.
// REQUIRES: the transactions are chosen (Coordinator::choose); the journal's mutex is held.
Frame make_transaction_frame(const std::vector<std::shared_ptr<JournalTransaction>>& chosen,
                             const Catalog& catalog, Timestamp now);

// The offsets that a transaction commits, but those of topics that were deleted meanwhile.
std::vector<FrameOffset> offsets_of(const JournalTransaction& transaction, const Catalog& catalog);

}  // namespace millrace::log::journal
