#include "task/transaction_number.h"

#include "millrace/detail/encoding.h"
#include "millrace/detail/hash.h"

namespace millrace::task {

Writer writer_of(std::string_view transactional_id, std::int64_t producer, Timestamp made) {
  Bytes bytes(transactional_id);
  detail::append_int(producer, bytes);
  detail::append_int(to_ms(made), bytes);
  return Writer(static_cast<std::int32_t>(detail::hash_bytes(bytes) >> (64 - kWriterBits)));
}

}  // namespace millrace::task
