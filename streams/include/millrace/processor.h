// Processor and FixedKeyProcessor: operators that a user writes (Kafka Streams' Processor API).
//
//   class Doubling : public Processor<std::string, std::int64_t, std::string, std::int64_t> {
//    public:
//     void process(const Record<std::string, std::int64_t>& record) override {
//       context().forward(record.key, 2 * record.value);
//     }
//   };
//   numbers.process(Doubling()).to("doubled");
//
// A processor is a value: each task works on a copy of its own, so members need no lock. After an
// abort the copies are made anew and init() runs again: what must survive belongs in a store.
// process() runs again where a transaction is repeated: effects outside happen at least once. What it
// throws goes to the handlers for failing records (handlers.h), with the processor's name and the
// record's place.
#pragma once

#include "millrace/processor_context.h"
#include "millrace/record.h"

namespace millrace {

namespace detail {
struct ProcessorAccess;
[[noreturn]] void fail_without_context();

// What both kinds of processor share: a life, and the context of the task that runs them.
template <class C>
class ProcessorBase {
 public:
  using Context = C;

  virtual ~ProcessorBase() = default;

  // Effect: opens stores, makes schedules. Called once per copy, before the first record; it cannot
  // forward. Must be cheap: it runs after each abort.
  virtual void init() {}

  // Called once per copy that init() ran for, before it goes; it cannot forward.
  virtual void close() {}

 protected:
  ProcessorBase() = default;
  // A copy has no task yet.
  ProcessorBase(const ProcessorBase&) {}
  ProcessorBase& operator=(const ProcessorBase&) { return *this; }

  // REQUIRES: from init() on.
  Context& context() {
    if (context_ == nullptr) fail_without_context();
    return *context_;
  }

 private:
  friend struct ProcessorAccess;
  Context* context_ = nullptr;
};
}  // namespace detail

// Reads records of KIn and VIn, forwards records of KOut and VOut, or nothing.
template <class KIn, class VIn, class KOut = void, class VOut = void>
class Processor : public detail::ProcessorBase<ProcessorContext<KOut, VOut>> {
 public:
  // The record is borrowed for the call.
  virtual void process(const Record<KIn, VIn>& record) = 0;
};

// The same for a processor that keeps the key, so that records stay in place: it forwards each
// record with other values, none, one or many.
template <class K, class VIn, class VOut>
class FixedKeyProcessor : public detail::ProcessorBase<FixedKeyProcessorContext<K, VOut>> {
 public:
  virtual void process(const Record<K, VIn>& record) = 0;
};

}  // namespace millrace
