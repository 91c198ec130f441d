#include "millrace/detail/cell.h"

#include <algorithm>
#include <cstring>

#include "millrace/detail/assert.h"

namespace millrace::state {

namespace {

std::size_t offset_of_value(const ValueType& type, std::size_t key_size) {
  return (sizeof(Cell) + key_size + type.alignment - 1) / type.alignment * type.alignment;
}

std::align_val_t alignment(const ValueType& type) {
  return std::align_val_t(std::max(type.alignment, alignof(Cell)));
}

}  // namespace

std::size_t Cell::bytes(const ValueType& type, std::size_t key_size) {
  return offset_of_value(type, key_size) + type.size;
}

Cell* Cell::create(const ValueType& type, CellOwner& owner, BytesView key, std::uint64_t hash) {
  MILLRACE_ASSERT(key.size() < std::size_t{1} << 30, "a key of a store has 1 GiB or more");
  void* memory = ::operator new(bytes(type, key.size()), alignment(type));
  Cell* cell = new (memory) Cell{
      .hash = hash,
      .owner = &owner,
      .key_size = static_cast<std::uint32_t>(key.size()) & ((1u << 30) - 1),
      .used = 0,
      .listed = 0,
      .value_offset = static_cast<std::uint32_t>(offset_of_value(type, key.size())),
  };
  if (!key.empty()) std::memcpy(cell + 1, key.data(), key.size());
  type.construct_empty(cell->value());
  return cell;
}

void Cell::destroy(Cell* cell, const ValueType& type) noexcept {
  type.destroy(cell->value());
  ::operator delete(cell, bytes(type, cell->key_size), alignment(type));
}

}  // namespace millrace::state
