// The processors of README.md §7, and the ops process and process_values.
#include <algorithm>
#include <utility>

#include "cases/runner/building.h"

namespace millrace::cases {

namespace {

using TextRecord = Record<Text, Text>;
using TextStore = KeyValueStore<Text, Text>;
using TextStoreName = KeyValueStoreName<Text, Text>;

// --- what both forms do per record ---------------------------------------------------------------

// What a processor of either form is given beside the record.
struct Tools {
  ProcessorContextBase& context;
  TextStore* store;  // nullptr: it has none
  std::function<void(const Text& value, const Forward& how)> forward;
};
using PerRecord = std::function<void(const TextRecord& record, const Tools& tools)>;

std::string decimal(std::int64_t number) { return std::to_string(number); }
std::string decimal(Timestamp time) { return std::to_string(to_ms(time)); }

std::int64_t number_in(const TextStore& store, const Text& key) {
  const auto found = store.get(key);
  return found ? std::stoll(found->bytes()) : 0;
}

void running_count(const TextRecord& record, const Tools& tools) {
  if (record.key.null()) return tools.forward(record.value, {});
  const std::int64_t n = number_in(*tools.store, record.key) + 1;
  tools.store->put(record.key, decimal(n));
  tools.forward(show(record.value) + '#' + decimal(n), {});
}

void dedup(const TextRecord& record, const Tools& tools) {
  if (record.key.null()) return tools.forward(record.value, {});
  if (tools.store->get(record.key).value_or(Text()) == record.value) return;
  tools.store->put(record.key, record.value);
  tools.forward(record.value, {});
}

void add_header(const std::string& name, const TextRecord& record, const Tools& tools) {
  Headers headers = record.headers;
  headers.add(name, record.value ? OptionalBytes(record.value.bytes()) : std::nullopt);
  tools.forward(record.value, {.headers = std::move(headers)});
}

void read_header(const std::string& name, const TextRecord& record, const Tools& tools) {
  const Header* header = record.headers.last(name);
  const std::string text = header == nullptr ? "-" : header->value.value_or("null");
  tools.forward(show(record.value) + '@' + text, {});
}

void record_metadata(const TextRecord& record, const Tools& tools) {
  const RecordMetadata where = tools.context.record_metadata().value();
  tools.forward(show(record.value) + '@' + std::string(where.topic) + '/' +
                    decimal(where.partition.value()) + '/' + decimal(where.offset.value()),
                {});
}

// Errors: UnknownWord.
PerRecord per_record(const Function& f) {
  const std::string& name = f.name();
  if (name == "running_count") return running_count;
  if (name == "dedup") return dedup;
  if (name == "record_metadata") return record_metadata;
  if (name == "pass") {
    return [](const TextRecord& r, const Tools& tools) { tools.forward(r.value, {}); };
  }
  if (name == "add_header") {
    return [h = f.text(0)](const TextRecord& r, const Tools& tools) { add_header(h, r, tools); };
  }
  if (name == "read_header") {
    return [h = f.text(0)](const TextRecord& r, const Tools& tools) { read_header(h, r, tools); };
  }
  if (name == "remove_headers") {
    return [](const TextRecord& r, const Tools& tools) {
      tools.forward(r.value, {.headers = Headers()});
    };
  }
  if (name == "stream_time") {
    return [](const TextRecord& r, const Tools& tools) {
      tools.forward(show(r.value) + '@' + decimal(tools.context.current_stream_time()), {});
    };
  }
  if (name == "shift_ts") {
    return [by = Duration(f.number(0))](const TextRecord& r, const Tools& tools) {
      tools.forward(r.value, {.timestamp = std::max(Timestamp{}, r.timestamp + by)});
    };
  }
  if (name == "fan_out") {
    return [n = f.number(0)](const TextRecord& r, const Tools& tools) {
      for (std::int64_t i = 1; i <= n; ++i) tools.forward(show(r.value) + '#' + decimal(i), {});
    };
  }
  throw UnknownWord("processor " + name);
}

// --- the two forms -------------------------------------------------------------------------------

TextStore* opened(ProcessorContextBase& context, const std::optional<std::string>& store) {
  return store ? &context.store(TextStoreName(runtime(*store))) : nullptr;
}

class AnyKey final : public Processor<Text, Text, Text, Text> {
 public:
  AnyKey(PerRecord f, std::optional<std::string> store)
      : f_(std::move(f)), store_name_(std::move(store)) {}
  void init() override { store_ = opened(context(), store_name_); }
  void process(const TextRecord& record) override {
    f_(record, {context(), store_, [&](const Text& value, const Forward& how) {
                  context().forward(record.key, value, how);
                }});
  }

 private:
  PerRecord f_;
  std::optional<std::string> store_name_;
  TextStore* store_ = nullptr;
};

class FixedKey final : public FixedKeyProcessor<Text, Text, Text> {
 public:
  FixedKey(PerRecord f, std::optional<std::string> store)
      : f_(std::move(f)), store_name_(std::move(store)) {}
  void init() override { store_ = opened(context(), store_name_); }
  void process(const TextRecord& record) override {
    f_(record, {context(), store_, [&](const Text& value, const Forward& how) {
                  context().forward(record, value, how);
                }});
  }

 private:
  PerRecord f_;
  std::optional<std::string> store_name_;
  TextStore* store_ = nullptr;
};

// --- those that change keys or have schedules ----------------------------------------------------

class Swap final : public Processor<Text, Text, Text, Text> {
 public:
  void process(const TextRecord& record) override { context().forward(record.value, record.key); }
};

PunctuationType punctuation_type(const std::string& word) {
  if (word == "stream") return PunctuationType::kStreamTime;
  if (word == "wall") return PunctuationType::kWallClockTime;
  throw UnknownWord("punctuation " + word);
}

// punctuate and punctuate_cancel. Counts lie in a store: members end with an abort (ENGINE §4). So
// does a cancellation with a restart; init() does not schedule again what had its last call.
class Punctuate final : public Processor<Text, Text, Text, Text> {
 public:
  Punctuate(PunctuationType type, Duration interval, std::optional<std::int64_t> calls,
            std::string store)
      : type_(type), interval_(interval), most_calls_(calls), store_name_(std::move(store)) {}
  void init() override {
    counts_ = opened(context(), store_name_);
    if (most_calls_ && number_in(*counts_, "calls") >= *most_calls_) return;
    schedule_ = context().schedule(interval_, type_, [this](Timestamp now) { punctuate(now); });
  }
  void process(const TextRecord& record) override {
    count("records");
    context().forward(record.key, record.value);
  }

 private:
  std::int64_t count(const char* what) {
    const std::int64_t n = number_in(*counts_, what) + 1;
    counts_->put(what, decimal(n));
    return n;
  }
  void punctuate(Timestamp now) {
    context().forward("punct", decimal(number_in(*counts_, "records")), {.timestamp = now});
    if (most_calls_ && count("calls") >= *most_calls_) schedule_.cancel();
  }

  PunctuationType type_;
  Duration interval_;
  std::optional<std::int64_t> most_calls_;
  std::string store_name_;
  TextStore* counts_ = nullptr;
  Cancellable schedule_;
};

class StoreScan final : public Processor<Text, Text, Text, Text> {
 public:
  StoreScan(PunctuationType type, Duration interval, std::string store)
      : type_(type), interval_(interval), store_name_(std::move(store)) {}
  void init() override {
    store_ = opened(context(), store_name_);
    context().schedule(interval_, type_, [this](Timestamp now) {
      for (const auto& [key, value] : store_->all()) {
        context().forward(key, value, {.timestamp = now});
        store_->erase(key);
      }
    });
  }
  void process(const TextRecord& record) override {
    if (!record.key.null()) store_->put(record.key, record.value);
  }

 private:
  PunctuationType type_;
  Duration interval_;
  std::string store_name_;
  TextStore* store_ = nullptr;
};

// --- the ops -------------------------------------------------------------------------------------

// Effect: adds the store and connects it.
void add_store(Building& building, const std::string& name, Processed& options) {
  building.builder.add_state_store(TextStoreName(runtime(name)));
  options.stores.push_back(runtime(name));
}

// The store that the case names, if it does.
std::optional<std::string> add_own_store(Building& building, const Op& op, Processed& options) {
  const auto name = op.optional_text("store");
  if (!name) return std::nullopt;
  add_store(building, *name, options);
  building.stores[*name] = StoreKind::kPlainTexts;
  return name;
}

void add_process(Building& building, const Op& op, const Stream& stream) {
  const Function& f = op.function("processor");
  Processed options{.name = runtime(op.id)};
  const auto add = [&](auto processor) {
    building.put(op.id, stream.process(std::move(processor), options));
  };
  if (f.name() == "swap") return add(Swap());
  if (f.name() == "punctuate" || f.name() == "punctuate_cancel") {
    const std::string counts = "counts-of-" + op.id;  // not one of the case's own
    add_store(building, counts, options);
    const bool cancels = f.name() == "punctuate_cancel";
    return add(Punctuate(punctuation_type(f.text(0)), Duration(f.number(1)),
                         cancels ? std::optional(f.number(2)) : std::nullopt, counts));
  }
  const auto store = add_own_store(building, op, options);
  if (f.name() == "store_scan") {
    return add(StoreScan(punctuation_type(f.text(0)), Duration(f.number(1)), store.value()));
  }
  add(AnyKey(per_record(f), store));
}

void add_process_values(Building& building, const Op& op, const Stream& stream) {
  Processed options{.name = runtime(op.id)};
  const auto store = add_own_store(building, op, options);
  building.put(
      op.id, stream.process_values(FixedKey(per_record(op.function("processor")), store), options));
}

}  // namespace

void add_processors(Registry& registry) {
  registry.add<Stream>("process", add_process);
  registry.add<Stream>("process_values", add_process_values);
}

}  // namespace millrace::cases
