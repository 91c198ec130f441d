#include "millrace/detail/key_value_cells.h"

#include "changelog_cell.h"
#include "millrace/detail/assert.h"

namespace millrace::state {

KeyValueCells::KeyValueCells(std::string name, StoreKind kind, const ValueType& type,
                             std::unique_ptr<ValueCodec> codec)
    : name_(std::move(name)),
      kind_(kind),
      type_(type),
      codec_(std::move(codec)),
      table_(type, 0, footprint_),
      changes_(type, footprint_) {
  MILLRACE_ASSERT(kind == StoreKind::kKeyValue || kind == StoreKind::kTimestampedKeyValue,
                  "a key-value store of another kind");
  MILLRACE_ASSERT(codec_ != nullptr, "a store without a codec");
}

void KeyValueCells::scan(OptionalBytesView from, OptionalBytesView to,
                         const std::function<bool(const Cell&)>& visit) {
  table_.scan(from, to, [&](Cell& cell) { return !type_.has_value(cell.value()) || visit(cell); });
}

void KeyValueCells::write_changes(ChangelogWriter& writer) {
  changes_.for_each([&](const Cell& cell) {
    if (changes_.is_change(cell)) write_cell(cell, cell.key(), type_, *codec_, buffer_, writer);
  });
}

void KeyValueCells::commit(ChangelogRange) {
  std::vector<Cell*> changed;
  if (forget_) changed = cells_with_value(changes_, type_);
  changes_.commit();
  reread_cells(changed, name_, *codec_, changes_);
}

Status KeyValueCells::restore(BytesView key, OptionalBytesView value, Timestamp timestamp,
                              Offset offset) {
  MILLRACE_ASSERT(changes_.empty(), "a store is restored in the middle of a transaction");
  if (!value && find(key) == nullptr) return Status::success();
  const auto failure = restore_cell(at(key), value, timestamp, *codec_, changes_);
  return failure ? undecodable(name_, offset, *failure) : Status::success();
}

}  // namespace millrace::state
