#include "millrace/serde_json.h"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

namespace millrace {

namespace {

using Json = nlohmann::json;

// nlohmann::json reads documents of any depth, but copies and writes them by recursion: a few
// kilobytes of '[' end a thread with a small stack. No honest document comes near this.
constexpr std::size_t kMaxDepth = 64;

[[noreturn]] void refuse_depth() {
  throw SerdeError("millrace: JSON of more than " + std::to_string(kMaxDepth) + " levels");
}

// Builds a document from the parser's events; the library's own builder has no limit of depth and
// its messages quote the input.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(Json::number_integer_t value) override { return add(value); }
  bool number_unsigned(Json::number_unsigned_t value) override { return add(value); }
  bool number_float(Json::number_float_t value, const std::string&) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(Json::binary_t& value) override { return add(std::move(value)); }

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string& name) override {
    // Of members with equal names the last one stands, as everywhere in nlohmann::json.
    member_ = &containers_[depth_ - 1]->get_ref<Json::object_t&>()[std::move(name)];
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const Json::exception& error) override {
    throw SerdeError("millrace: not JSON: byte " + std::to_string(position) + ": " + reason(error));
  }

 private:
  bool add(Json value) {
    place(std::move(value));
    return true;
  }

  bool open(Json container) {
    if (depth_ == kMaxDepth) refuse_depth();
    Json* placed = place(std::move(container));
    containers_[depth_++] = placed;
    return true;
  }

  bool close() {
    --depth_;
    return true;
  }

  // The result stays where it is until its container is closed: an array grows only while none of
  // its elements is open.
  Json* place(Json&& value) {
    if (depth_ == 0) {
      root_ = std::move(value);
      return &root_;
    }
    Json& container = *containers_[depth_ - 1];
    if (container.is_array()) {
      auto& elements = container.get_ref<Json::array_t&>();
      elements.push_back(std::move(value));
      return &elements.back();
    }
    *member_ = std::move(value);
    return member_;
  }

  // The library's words without its quotations of the input:
  // "[json.exception...] parse error at ...: syntax error while parsing value - invalid literal;
  //  last read: 'secret'".
  static std::string reason(const Json::exception& error) {
    constexpr int kNumberOutOfRange = 406;
    if (error.id == kNumberOutOfRange) return "a number out of range";
    std::string_view text = error.what();
    text = text.substr(0, text.find("; last read"));
    constexpr std::string_view kStart = "syntax error ";
    const std::size_t start = text.find(kStart);
    if (start == std::string_view::npos) return "cannot be read";
    return std::string(text.substr(start + kStart.size()));
  }

  Json root_;
  std::array<Json*, kMaxDepth> containers_{};  // the open ones, outermost first
  std::size_t depth_ = 0;
  Json* member_ = nullptr;  // where the value of the last key goes
};

void check_writable(const Json& value, std::size_t depth) {
  switch (value.type()) {
    case Json::value_t::object:
    case Json::value_t::array:
      if (depth == kMaxDepth) refuse_depth();
      for (const Json& part : value) check_writable(part, depth + 1);
      break;
    case Json::value_t::number_float:
      // The library writes them as null, which is then no number any more.
      if (!std::isfinite(value.get_ref<const Json::number_float_t&>())) {
        throw SerdeError("millrace: JSON has no NaN and no infinite numbers");
      }
      break;
    case Json::value_t::binary:
    case Json::value_t::discarded:
      throw SerdeError("millrace: a value without a JSON form");
    default:
      break;
  }
}

// What nlohmann::json throws in a user's from_json() or to_json(). Only the kinds whose words are
// made of type names and of the program's own member names are quoted.
[[noreturn]] void refuse_shape(const Json::exception& error) {
  std::string message = "millrace: JSON of another shape";
  const std::string_view text = error.what();
  const std::size_t words = text.find("] ");
  switch (error.id) {
    case 302:  // type must be number, but is string
    case 304:  // cannot use at() with array
    case 306:  // cannot use value() with array
    case 401:  // array index 2 is out of range
    case 403:  // key 'delay' not found
      if (words != std::string_view::npos) message.append(": ").append(text.substr(words + 2));
      break;
    default:
      message += " (nlohmann::json's exception " + std::to_string(error.id) + ')';
  }
  throw SerdeError(message);
}

}  // namespace

void Serde<nlohmann::json>::serialize(const nlohmann::json& value, Bytes& out) const {
  check_writable(value, 0);
  std::string text;
  try {
    text = value.dump();
  } catch (const Json::exception&) {
    throw SerdeError("millrace: a string that is not UTF-8 cannot be written as JSON");
  }
  out.append(text);
}

void Serde<nlohmann::json>::deserialize(BytesView in, nlohmann::json& value) const {
  Builder builder;
  Json::sax_parse(in, &builder);
  value = builder.take();
}

namespace detail {

void write_json(const void* source, void (*convert)(nlohmann::json& to, const void* source),
                Bytes& out) {
  Json value;
  try {
    convert(value, source);
  } catch (const Json::exception& error) {
    refuse_shape(error);
  }
  Serde<Json>().serialize(value, out);
}

void read_json(BytesView in, void (*convert)(const nlohmann::json& from, void* target),
               void* target) {
  Json value;
  Serde<Json>().deserialize(in, value);
  try {
    convert(value, target);
  } catch (const Json::exception& error) {
    refuse_shape(error);
  }
}

}  // namespace detail

}  // namespace millrace
