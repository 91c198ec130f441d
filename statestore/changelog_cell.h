// What both kinds of store do with one cell and its bytes in the changelog. Private to statestore.
#pragma once

#include <string>

#include "millrace/detail/store.h"
#include "millrace/detail/undo.h"

namespace millrace::state {

// Effect: the changelog record of a changed cell: its value's bytes, or a tombstone. `buffer` is
// overwritten. Returns what was written of the value, in `buffer`. Errors: what the serde and the
// writer throw.
OptionalBytesView write_cell(const Cell& cell, BytesView key, const ValueType& type,
                             ValueCodec& codec, Bytes& buffer, ChangelogWriter& writer);

// Effect: the cell holds what these bytes say, as after a commit; without a value it leaves its
// table. Returns the reason if they cannot be decoded: then nothing has changed.
// REQUIRES: `changes` holds nothing or the mere creation of this cell; is empty afterwards.
std::optional<std::string> restore_cell(Cell& cell, OptionalBytesView value, Timestamp timestamp,
                                        ValueCodec& codec, ChangeList& changes);

// The changed cells that hold a value: to be taken before a commit, given to reread_cells() after.
std::vector<Cell*> cells_with_value(const ChangeList& changes, const ValueType& type);

// Effect: each value is encoded and decoded again. Errors: SerdeError where that fails.
// REQUIRES: no open changes; stays so.
void reread_cells(const std::vector<Cell*>& cells, const std::string& store, ValueCodec& codec,
                  ChangeList& changes);

// REQUIRES: inside a catch clause. Only our own errors promise not to quote the bytes at hand; of
// others the type must do.
std::string reason_of_current_exception();

Status undecodable(const std::string& store, Offset offset, const std::string& reason);

}  // namespace millrace::state
