#include "millrace/detail/source_node.h"

#include <string>

namespace millrace::graph {

namespace {

// "orders-3@42"
std::string place(const RecordContext& context) {
  return to_string(TopicPartition{std::string(context.topic), context.partition}) + '@' +
         std::to_string(context.offset.value());
}

}  // namespace

void fail_on_null(const RecordContext& context, const char* what) {
  throw SerdeError("millrace: " + place(context) + " has a null " + what +
                   ", and the source's on_null says to fail: let it skip such records, or read the "
                   "topic with a type that can be null, such as std::optional");
}

void fail_on_negative_timestamp(const RecordContext& context) {
  throw StoppedError("millrace: " + place(context) + " has the timestamp " +
                     std::to_string(to_ms(context.timestamp)) +
                     " ms, which is no time: give the source a .timestamp that finds one in the "
                     "record, or one that skips such records");
}

}  // namespace millrace::graph
