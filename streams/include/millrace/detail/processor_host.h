// What a task gives its processors beside what it gives every node: schedules, times, commits on
// request, stores by name.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <typeinfo>

#include "millrace/detail/store.h"
#include "millrace/punctuation.h"
#include "millrace/time.h"

namespace millrace::graph {

class Node;

// Called with the punctuation's time: stream time, or what the wall clock said.
using Punctuator = std::function<void(Timestamp now)>;

// Names a schedule of one task. One made in init() gets the same id again after an abort.
using ScheduleId = std::int64_t;

// A store with what it was made with.
struct OpenedStore {
  state::Store* cells;
  const std::type_info* key_type;
  const std::type_info* value_type;
  const void* key_serde;  // an AnySerde<K> of key_type, to be copied
};

class ProcessorHost {
 public:
  virtual ~ProcessorHost() = default;

  // Effect: calls f from now on, between two records, in the name of this node. When it was called
  // last is kept for schedules that are made in init() (ENGINE §5): by the node's name and the
  // schedule's place among those of its type. Others end when the nodes are made anew.
  // Errors: std::invalid_argument if the interval is below 1 ms.
  virtual ScheduleId schedule(const Node& node, Duration interval, PunctuationType type,
                              Punctuator f) = 0;
  virtual void cancel(ScheduleId id) = 0;

  // REQUIRES: the store is one of this task's sub-topology.
  virtual OpenedStore open_store(std::string_view name) = 0;

  // Greatest timestamp of any record taken; kNoTimestamp before the first.
  virtual Timestamp stream_time() const = 0;

  // What the wall clock said when the step at hand was taken first; a replay is told the same.
  virtual Timestamp system_time() const = 0;

  // Effect: a commit soon, without waiting for the commit interval.
  virtual void request_commit() = 0;

  virtual std::string_view application_id() const = 0;
};

}  // namespace millrace::graph
