// What a run left in stores and topics, as cases write it.
#pragma once

#include <string>
#include <vector>

#include "cases/runner/building.h"
#include "cases/runner/case.h"
#include "millrace/test_driver.h"

namespace millrace::cases {

// Sorted by key, then by window.
StoreContent store_content(TopologyTestDriver& driver, const std::string& name, StoreKind kind);

// Hexadecimal digits; null stays null.
Text hex_text(const OptionalBytes& bytes);

std::vector<ByteRecord> as_bytes(const std::vector<detail::RawTestRecord>& records);

// The last record of each key, without tombstones, sorted by key.
std::vector<ByteRecord> folded(const std::vector<detail::RawTestRecord>& changelog);

}  // namespace millrace::cases
