#include "changelog_cell.h"

#include <boost/core/demangle.hpp>
#include <exception>
#include <typeinfo>

#include "millrace/error.h"

namespace millrace::state {

std::string reason_of_current_exception() {
  try {
    throw;
  } catch (const Error& error) {
    return error.what();
  } catch (const std::exception& error) {
    return "the serde threw " + boost::core::demangle(typeid(error).name());
  } catch (...) {
    return "the serde threw something that is no std::exception";
  }
}

OptionalBytesView write_cell(const Cell& cell, BytesView key, const ValueType& type,
                             ValueCodec& codec, Bytes& buffer, ChangelogWriter& writer) {
  OptionalBytesView value;
  if (type.has_value(cell.value())) {
    buffer.clear();
    codec.serialize(cell.value(), buffer);
    value = buffer;
  }
  writer.write(key, value, cell.timestamp);
  return value;
}

std::optional<std::string> restore_cell(Cell& cell, OptionalBytesView value, Timestamp timestamp,
                                        ValueCodec& codec, ChangeList& changes) {
  changes.note(cell);
  cell.timestamp = timestamp;
  try {
    if (value) codec.deserialize(*value, cell.value());
  } catch (...) {
    changes.abort();
    return reason_of_current_exception();
  }
  changes.commit();
  return std::nullopt;
}

std::vector<Cell*> cells_with_value(const ChangeList& changes, const ValueType& type) {
  std::vector<Cell*> cells;
  changes.for_each([&](Cell& cell) {
    if (type.has_value(cell.value())) cells.push_back(&cell);
  });
  return cells;
}

void reread_cells(const std::vector<Cell*>& cells, const std::string& store, ValueCodec& codec,
                  ChangeList& changes) {
  Bytes bytes;
  for (Cell* cell : cells) {
    std::optional<std::string> failure;
    try {
      bytes.clear();
      codec.serialize(cell->value(), bytes);
      failure = restore_cell(*cell, BytesView(bytes), cell->timestamp, codec, changes);
    } catch (...) {
      failure = reason_of_current_exception();
    }
    if (failure) {
      throw SerdeError("millrace: store '" + store +
                       "': what was written of a value cannot be read back: " + *failure);
    }
  }
}

Status undecodable(const std::string& store, Offset offset, const std::string& reason) {
  return Status::fatal("store '" + store + "': the changelog record at offset " +
                       std::to_string(offset.value()) + " cannot be decoded: " + reason);
}

}  // namespace millrace::state
