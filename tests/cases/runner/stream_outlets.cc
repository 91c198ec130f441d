// Ops that lead out of streams: into topics, groups and tables.
#include "cases/runner/building.h"

namespace millrace::cases {

namespace {

void add_to(Building& building, const Op& op, const Stream& stream) {
  // The topic of each record by its content: for a later runner.
  if (op.optional_text("topic_prefix")) throw UnknownWord("to.topic_by");
  const std::string& topic = op.text("topic");
  stream.to(topic);
  building.output(topic, std::nullopt);
}

void add_join(Building& building, const Op& op, const Stream& moved) {
  const Stream stream = in_place(building, moved, op.text("name"));
  const Table& table = building.input<Table>(op, 1);
  const Joiner join = joiner(op.function("joiner"));
  const std::string& kind = op.text("kind");
  if (kind == "inner") {
    building.put(op.id, stream.join(table, join));
  } else if (kind == "left") {
    building.put(op.id, stream.left_join(
                            table, [join](const Text& key, const Text& left, const Text* right) {
                              return join(key, left, right ? *right : Text());
                            }));
  } else {
    throw UnknownWord(kind + " join_stream_table");
  }
}

}  // namespace

void add_stream_outlets(Registry& registry) {
  registry.add<Stream>("repartition", [](Building& b, const Op& op, const Stream& stream) {
    b.has_internal_topics = true;
    b.put(op.id, stream.repartition(runtime(op.text("name"))));
  });
  registry.add<Stream>("to", add_to);
  registry.add<Stream>("to_table", [](Building& b, const Op& op, const Stream& stream) {
    b.stores[op.text("store")] = StoreKind::kTexts;
    b.put(op.id, in_place(b, stream, op.text("name")).to_table(runtime(op.text("store"))));
  });
  registry.add<Stream>("group_by_key", [](Building& b, const Op& op, const Stream& stream) {
    b.put(op.id, in_place(b, stream, op.text("name")).group_by_key());
  });
  registry.add<Stream>("group_by", [](Building& b, const Op& op, const Stream& stream) {
    b.has_internal_topics = true;
    b.put(op.id, stream.group_by(runtime(op.text("name")), key_mapper(op.function("key"))));
  });
  registry.add<Stream>("join_stream_table", add_join);
}

}  // namespace millrace::cases
