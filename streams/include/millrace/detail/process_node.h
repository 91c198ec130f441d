// ProcessNode: where a user's processor stands in a task's graph. Each clone makes a processor of its
// own, gives it a context and calls it.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "millrace/detail/node.h"
#include "millrace/processor.h"

namespace millrace::detail {

struct ProcessorAccess {
  template <class P>
  static void bind(P& processor, typename P::Context& context) {
    processor.context_ = &context;
  }
};

[[noreturn]] void fail_without_processor();

// Makes the processor of one clone. Not called per record.
template <class P>
using ProcessorMaker = std::function<std::unique_ptr<P>()>;

// P: Processor<KIn, VIn, ..> or FixedKeyProcessor<KIn, VIn, ..>.
template <class P, class KIn, class VIn>
class ProcessNode final : public graph::Input<KIn, VIn>, private P::Context {
  using Context = typename P::Context;

 public:
  ProcessNode(ProcessorMaker<P> make, ProcessorSetup setup)
      : make_(std::move(make)), setup_(std::move(setup)) {}
  ProcessNode(const ProcessNode& other)
      : graph::Input<KIn, VIn>(other), Context(), make_(other.make_), setup_(other.setup_) {}
  graph::Node* clone() const override { return new ProcessNode(*this); }

  void init(graph::NodeContext& task) override {
    processor_ = make_();
    if (processor_ == nullptr) fail_without_processor();
    ProcessorAccess::bind(*processor_, *this);
    this->begin(*this, task, setup_);
    processor_->init();
    this->end();
  }
  void close() override { processor_->close(); }

  void process(const KIn& key, const VIn& value, const RecordContext& context) override {
    const typename Context::AtHand record(*this, context, &key);
    processor_->process(Record<KIn, VIn>(key, value, context.timestamp, *context.headers));
  }

 private:
  const ProcessorMaker<P> make_;
  const ProcessorSetup setup_;
  std::unique_ptr<P> processor_;
};

}  // namespace millrace::detail
