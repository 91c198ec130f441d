#include "millrace/processor_context.h"

#include <algorithm>
#include <stdexcept>

#include "millrace/error.h"
#include "millrace/processor.h"

namespace millrace {

namespace detail {

void fail_without_processor() {
  throw std::logic_error("millrace: the callable that makes processors returned a null pointer");
}

void fail_without_context() {
  throw std::logic_error(
      "millrace: a processor has its context() from init() on, not yet in its constructor");
}

}  // namespace detail

void ProcessorContextBase::begin(graph::Node& node, graph::NodeContext& task,
                                 const detail::ProcessorSetup& setup) {
  node_ = &node;
  task_ = &task;
  host_ = &task.processor_host();
  setup_ = &setup;
  in_init_ = true;
  // What init() writes has the time of the records before it.
  write_time_ = std::max(host_->stream_time(), Timestamp{});
}

void ProcessorContextBase::end() { in_init_ = false; }

graph::OpenedStore ProcessorContextBase::open(std::string_view name, const std::type_info& key,
                                              const std::type_info& value) const {
  const std::string store = "the store '" + std::string(name) + "'";
  const auto& connected = setup_->stores;
  if (std::find(connected.begin(), connected.end(), name) == connected.end()) {
    throw TopologyError("millrace: " + node_->name() + " opens " + store +
                        ", which it is not connected to: name it in its .stores");
  }
  const graph::OpenedStore opened = host_->open_store(name);
  if (*opened.key_type != key || *opened.value_type != value) {
    throw TopologyError("millrace: " + node_->name() + " opens " + store +
                        " with other key or value types than it was made with: declare its typed "
                        "name once and use that in both places");
  }
  return opened;
}

void ProcessorContextBase::fail_on_kind(std::string_view name) const {
  throw TopologyError("millrace: " + node_->name() + " opens the store '" + std::string(name) +
                      "' as another kind of store than it is: declare its typed name once and use "
                      "that in both places");
}

Cancellable ProcessorContextBase::schedule(Duration interval, PunctuationType type,
                                           graph::Punctuator f) {
  if (in_init_ && type == PunctuationType::kStreamTime && !setup_->named) {
    throw TopologyError("millrace: " + node_->name() +
                        " schedules by stream time, which goes on after a restart under the "
                        "processor's name: give it one with .name");
  }
  const auto call = [this, f = std::move(f)](Timestamp now) {
    RecordContext nothing;  // no topic, no headers (SEMANTICS R-P3)
    nothing.timestamp = now;
    const AtHand punctuation(*this, nothing, nullptr);
    f(now);
  };
  return Cancellable(*host_, host_->schedule(*node_, interval, type, call));
}

void ProcessorContextBase::commit() { host_->request_commit(); }

std::optional<RecordMetadata> ProcessorContextBase::record_metadata() const {
  if (at_hand_ == nullptr || at_hand_->topic.empty()) return std::nullopt;
  return RecordMetadata{at_hand_->topic, at_hand_->partition, at_hand_->offset};
}

Timestamp ProcessorContextBase::current_stream_time() const { return host_->stream_time(); }
Timestamp ProcessorContextBase::current_system_time() const { return host_->system_time(); }
TaskId ProcessorContextBase::task_id() const { return task_->task_id(); }
std::string_view ProcessorContextBase::application_id() const { return host_->application_id(); }

graph::Node& ProcessorContextBase::child(std::string_view name) const {
  for (graph::Node* one : children()) {
    if (one->name() == name) return *one;
  }
  std::string all;
  for (const graph::Node* one : children()) all += (all.empty() ? "" : ", ") + one->name();
  throw std::invalid_argument(
      "millrace: " + node_->name() + " forwards to '" + std::string(name) +
      "', which is none of its children: " + (all.empty() ? "it has none" : all));
}

RecordContext ProcessorContextBase::outgoing(const Forward& how) const {
  if (at_hand_ == nullptr) {
    throw std::logic_error(
        "millrace: forward() is for process() and punctuations: in init() and close() there is "
        "nothing to forward to");
  }
  RecordContext context = at_hand_->with_new_key();
  if (how.timestamp) context.timestamp = *how.timestamp;
  if (how.headers) context.headers = &*how.headers;
  if (context.timestamp < Timestamp{}) {
    throw std::invalid_argument("millrace: forward() with the timestamp " +
                                std::to_string(to_ms(context.timestamp)) +
                                " ms: a record's timestamp is 0 or later");
  }
  return context;
}

RecordContext ProcessorContextBase::outgoing(const Forward& how, const void* key) const {
  RecordContext context = outgoing(how);
  if (key_ != key) {
    throw std::logic_error(
        "millrace: a FixedKeyProcessor forwards the record that process() was given, with its key; "
        "use a Processor to send others");
  }
  context.key_bytes = at_hand_->key_bytes;
  return context;
}

}  // namespace millrace
