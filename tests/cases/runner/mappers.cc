// Predicates and mappers: functions of one record.
#include <charconv>

#include "cases/runner/functions.h"

namespace millrace::cases {

namespace {

bool starts_with(const Text& text, const std::string& start) {
  return text && text.bytes().starts_with(start);
}

std::int64_t number(const std::string& text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end)
    throw std::invalid_argument(text + " is no number");
  return value;
}

// How many bytes a code point has that begins with this one.
std::size_t code_point_bytes(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

Text first_char(const Text& text) {
  if (!text || text.bytes().empty()) return {};
  return text.bytes().substr(0, code_point_bytes(text.bytes().front()));
}

std::vector<std::string> words(const Text& text) {
  std::vector<std::string> found;
  std::string word;
  for (const char c : text.bytes_or("") + ' ') {
    if (c != ' ') {
      word += c;
    } else if (!word.empty()) {
      found.push_back(std::move(word));
      word.clear();
    }
  }
  return found;
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string numbered(const Text& value, std::int64_t i) {
  return value.bytes() + '#' + std::to_string(i);
}

template <class F>
Predicate of_present_value(F f) {
  return [f](const Text&, const Text& value) { return value && f(value.bytes()); };
}

// Null gives null.
template <class F>
Mapper to_present_value(F f) {
  return [f](const Text&, const Text& value) { return value ? Text(f(value.bytes())) : Text(); };
}

[[noreturn]] void unknown(const char* kind, const Function& function) {
  throw UnknownWord(std::string(kind) + ' ' + function.name());
}

}  // namespace

std::string show(const Text& text) { return text.bytes_or("null"); }

Predicate predicate(const Function& f) {
  const std::string& name = f.name();
  if (name == "true") return [](const Text&, const Text&) { return true; };
  if (name == "false") return [](const Text&, const Text&) { return false; };
  if (name == "key_is_null") return [](const Text& key, const Text&) { return key.null(); };
  if (name == "value_is_null") return [](const Text&, const Text& value) { return value.null(); };
  if (name == "key_in") {
    return [keys = f.texts()](const Text& key, const Text&) {
      for (const std::string& k : keys) {
        if (key == Text(k)) return true;
      }
      return false;
    };
  }
  if (name == "value_length_even") {
    return of_present_value([](const std::string& v) { return v.size() % 2 == 0; });
  }
  if (name == "value_number_even") {
    return of_present_value([](const std::string& v) { return number(v) % 2 == 0; });
  }
  if (name == "value_length_gt") {
    return of_present_value([n = f.number(0)](const std::string& v) {
      return static_cast<std::int64_t>(v.size()) > n;
    });
  }
  if (name == "value_eq") {
    return of_present_value([a = f.text(0)](const std::string& v) { return v == a; });
  }
  if (name == "value_gt") {
    return of_present_value([a = f.text(0)](const std::string& v) { return v > a; });
  }
  if (name == "value_starts_with") {
    return of_present_value([a = f.text(0)](const std::string& v) { return v.starts_with(a); });
  }
  if (name == "value_contains") {
    return of_present_value(
        [a = f.text(0)](const std::string& v) { return v.find(a) != std::string::npos; });
  }
  unknown("predicate", f);
}

Mapper value_mapper(const Function& f) {
  const std::string& name = f.name();
  if (name == "identity") return [](const Text&, const Text& value) { return value; };
  if (name == "key") return [](const Text& key, const Text&) { return key; };
  if (name == "drop_to_null") return [](const Text&, const Text&) { return Text(); };
  if (name == "first_char") return [](const Text&, const Text& value) { return first_char(value); };
  if (name == "upper") return to_present_value(upper);
  if (name == "length") {
    return to_present_value([](const std::string& v) { return std::to_string(v.size()); });
  }
  if (name == "append") {
    return to_present_value([a = f.text(0)](const std::string& v) { return v + a; });
  }
  if (name == "prepend") {
    return to_present_value([a = f.text(0)](const std::string& v) { return a + v; });
  }
  if (name == "constant") return [a = f.text(0)](const Text&, const Text&) { return Text(a); };
  if (name == "null_to") {
    return [a = f.text(0)](const Text&, const Text& value) { return value ? value : Text(a); };
  }
  if (name == "null_if_starts_with") {
    return [a = f.text(0)](const Text&, const Text& value) {
      return starts_with(value, a) ? Text() : value;
    };
  }
  if (name == "show_key") {
    return [](const Text& key, const Text& value) {
      return Text(key.bytes_or("-") + ':' + value.bytes_or("-"));
    };
  }
  unknown("value mapper", f);
}

Mapper key_mapper(const Function& f) {
  const std::string& name = f.name();
  if (name == "key") return [](const Text& key, const Text&) { return key; };
  if (name == "value") return [](const Text&, const Text& value) { return value; };
  if (name == "null") return [](const Text&, const Text&) { return Text(); };
  if (name == "constant") return [a = f.text(0)](const Text&, const Text&) { return Text(a); };
  if (name == "first_char") return [](const Text&, const Text& value) { return first_char(value); };
  if (name == "key_first_char") return [](const Text& key, const Text&) { return first_char(key); };
  if (name == "first_char_unless") {
    return [a = Text(f.text(0))](const Text&, const Text& value) {
      const Text first = first_char(value);
      return first == a ? Text() : first;
    };
  }
  if (name == "value_before") {
    return [a = f.text(0)](const Text&, const Text& value) {
      return value ? Text(value.bytes().substr(0, value.bytes().find(a))) : Text();
    };
  }
  if (name == "null_if_key") {
    return [a = Text(f.text(0))](const Text& key, const Text& value) {
      return key == a ? Text() : value;
    };
  }
  unknown("key mapper", f);
}

WindowedKeyMapper windowed_key_mapper(const Function& f) {
  if (f.name() == "inner_key") return [](const Windowed<Text>& key) { return key.key; };
  if (f.name() == "window_string") {
    return [](const Windowed<Text>& key) {
      return Text(show(key.key) + '@' + std::to_string(to_ms(key.window.start)) + '/' +
                  std::to_string(to_ms(key.window.end)));
    };
  }
  unknown("windowed key mapper", f);
}

FlatMapper flat_mapper(const Function& f) {
  if (f.name() == "words_to_keys") {
    return [](const Text&, const Text& value) {
      std::vector<TextPair> pairs;
      for (std::string& word : words(value)) pairs.push_back({std::move(word), value});
      return pairs;
    };
  }
  if (f.name() == "pair_swap") {
    return [](const Text& key, const Text& value) {
      return std::vector<TextPair>{{key, value}, {value, key}};
    };
  }
  if (f.name() == "duplicate") {
    return [n = f.number(0)](const Text& key, const Text& value) {
      std::vector<TextPair> pairs;
      for (std::int64_t i = 1; i <= n; ++i) {
        pairs.push_back({key, value ? Text(numbered(value, i)) : Text()});
      }
      return pairs;
    };
  }
  unknown("flat_map function", f);
}

FlatValueMapper flat_value_mapper(const Function& f) {
  if (f.name() == "split_words") {
    return [](const Text& value) {
      const auto found = words(value);
      return std::vector<Text>(found.begin(), found.end());
    };
  }
  if (f.name() == "repeat") {
    return [n = f.number(0)](const Text& value) {
      std::vector<Text> values;
      for (std::int64_t i = 1; value && i <= n; ++i) values.emplace_back(numbered(value, i));
      return values;
    };
  }
  if (f.name() == "suffixes") {
    return [suffixes = f.texts()](const Text& value) {
      std::vector<Text> values;
      if (!value) return values;
      for (const std::string& suffix : suffixes) values.emplace_back(value.bytes() + suffix);
      return values;
    };
  }
  unknown("flat_map_values function", f);
}

}  // namespace millrace::cases
