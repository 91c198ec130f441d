// StreamHandle: what a KStream is without its types, and what its operators do to the graph without
// them. Compiled once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "millrace/dsl/detail/handle.h"
#include "millrace/dsl/options.h"
#include "millrace/dsl/processed.h"

namespace millrace::detail {

// Whether each record lies in the partition of its key.
enum class Keys {
  kInPlace,
  kMoved,  // the key may have changed since the record came out of a topic
};

std::vector<std::string> store_names(const Processed& options);

class StreamHandle : public Handle {
 public:
  StreamHandle(Handle place, Keys keys);
  StreamHandle(const StreamHandle&);
  StreamHandle& operator=(const StreamHandle&);
  ~StreamHandle();

  Keys keys() const { return keys_; }

 protected:
  // Effect: adds the operator below this stream; takes the prototype.
  Handle add(std::string_view word, const Named& named, const graph::Node* prototype) const;
  void add_sink(std::string topic, OperatorName name, SourceLocation where,
                const graph::Node* prototype) const;

  // Effect: adds the sink and the source around an internal topic; the result is the source.
  Handle add_repartition(std::string_view word, Name name, std::optional<std::int32_t> partitions,
                         SourceLocation where, const graph::Node* sink,
                         const graph::Node* source) const;

  // Effect: adds the operator below both streams, which must be of one builder.
  Handle add_merge(const StreamHandle& other, const Named& named,
                   const graph::Node* prototype) const;

  // Effect: adds the processor below this stream, connected to its stores; takes the prototype.
  Handle add_process(std::string_view word, const Processed& options,
                     const graph::Node* prototype) const;

  // Effect: notes the mistake, unless records are in place. All topics that they come from must
  // have equal numbers of partitions then, because the operator `what` meets them by key.
  void require_in_place(std::string_view what, SourceLocation where) const;

 private:
  Keys keys_;
};

}  // namespace millrace::detail
