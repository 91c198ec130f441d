// One batch from a segment, checked.
#pragma once

#include "log/journal/frame_store.h"
#include "log/journal/segment_file.h"

namespace millrace::log::journal {

// Effect: reads and checks the batch; it borrows `buffer`. Errors: kFatal, file and byte.
Result<FrameBatch> read_batch(const BatchLocation& where, Bytes& buffer);

}  // namespace millrace::log::journal
