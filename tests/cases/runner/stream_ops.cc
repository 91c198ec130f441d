// Ops that make streams of streams.
#include "cases/runner/building.h"

namespace millrace::cases {

namespace {

void add_stream(Building& building, const Op& op) {
  std::vector<Topic<Text, Text>> topics;
  for (const std::string& topic : op.list("topics")) topics.emplace_back(topic);
  building.put(op.id, building.builder.stream(topics));
}

void add_peek(Building& building, const Op& op, const Stream& stream) {
  building.journal->open(op.id);
  building.put(op.id, stream.peek([journal = building.journal, id = op.id](const Text& key,
                                                                           const Text& value) {
    journal->note(id, key, value);
  }));
}

// The DSL's split() takes as many arguments as there are branches.
template <std::size_t n, class... Fs>
auto split_by(const Stream& stream, const std::vector<Predicate>& branches, Fs... fs) {
  if constexpr (n == 0) {
    const auto streams = stream.split(std::move(fs)...);
    return std::vector<Stream>(streams.begin(), streams.end());
  } else {
    return split_by<n - 1>(stream, branches, branches[n - 1], std::move(fs)...);
  }
}

std::vector<Stream> split(const Stream& stream, const std::vector<Predicate>& branches) {
  switch (branches.size()) {
    case 1:
      return split_by<1>(stream, branches);
    case 2:
      return split_by<2>(stream, branches);
    case 3:
      return split_by<3>(stream, branches);
    case 4:
      return split_by<4>(stream, branches);
    default:
      throw UnknownWord("split with " + std::to_string(branches.size()) + " branches");
  }
}

void add_split(Building& building, const Op& op, const Stream& stream) {
  std::vector<Predicate> branches;
  for (const Function& function : op.functions("branches")) {
    branches.push_back(predicate(function));
  }
  const std::vector<Stream> streams = split(stream, branches);
  for (std::size_t i = 0; i + 1 < streams.size(); ++i) {
    building.put(op.id + '.' + std::to_string(i), streams[i]);
  }
  if (op.flag("default")) building.put(op.id + ".default", streams.back());
}

}  // namespace

void add_stream_ops(Registry& registry) {
  registry.add_source("stream", add_stream);
  registry.add<Stream>("filter", [](Building& b, const Op& op, const Stream& stream) {
    b.put(op.id, stream.filter(predicate(op.function("pred"))));
  });
  registry.add<Stream>("filter_not", [](Building& b, const Op& op, const Stream& stream) {
    b.put(op.id, stream.filter_not(predicate(op.function("pred"))));
  });
  registry.add<Stream>("map_values", [](Building& b, const Op& op, const Stream& stream) {
    b.put(op.id, stream.map_values([f = value_mapper(op.function("fn"))](const Text& value) {
      return f(Text(), value);
    }));
  });
  registry.add<Stream>("map_values_with_key", [](Building& b, const Op& op, const Stream& stream) {
    b.put(op.id, stream.map_values(value_mapper(op.function("fn"))));
  });
  registry.add<Stream>("map", [](Building& b, const Op& op, const Stream& stream) {
    b.put(op.id,
          stream.map([k = key_mapper(op.function("key")), v = value_mapper(op.function("value"))](
                         const Text& key, const Text& value) {
            return TextPair{k(key, value), v(key, value)};
          }));
  });
  registry.add<Stream>("flat_map", [](Building& b, const Op& op, const Stream& stream) {
    b.put(op.id, stream.flat_map(flat_mapper(op.function("fn"))));
  });
  registry.add<Stream>("flat_map_values", [](Building& b, const Op& op, const Stream& stream) {
    b.put(op.id, stream.flat_map_values(flat_value_mapper(op.function("fn"))));
  });
  registry.add<Stream>("select_key", [](Building& b, const Op& op, const Stream& stream) {
    b.put(op.id, stream.select_key(key_mapper(op.function("fn"))));
  });
  registry.add<Stream>("peek", add_peek);
  registry.add<Stream>("split", add_split);
  registry.add<Stream>("merge", [](Building& b, const Op& op, const Stream& stream) {
    b.put(op.id, stream.merge(b.input<Stream>(op, 1)));
  });
}

}  // namespace millrace::cases
