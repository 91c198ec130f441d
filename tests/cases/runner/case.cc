#include "cases/runner/case.h"

namespace millrace::cases {

const Function::Argument& Function::argument(std::size_t i) const {
  if (i >= arguments_.size()) {
    throw CaseError("function " + name_ + " lacks argument " + std::to_string(i + 1));
  }
  return arguments_[i];
}

std::vector<std::string> Function::texts() const {
  std::vector<std::string> texts;
  for (const Argument& argument : arguments_) texts.push_back(argument.first);
  return texts;
}

std::int64_t WindowsSpec::time(const std::string& name) const {
  const auto found = times.find(name);
  if (found == times.end()) throw CaseError(type + " windows lack " + name);
  return found->second;
}

template <class T>
const T* Op::find(const std::map<std::string, T>& all, const std::string& name) const {
  taken_.insert(name);
  const auto found = all.find(name);
  return found == all.end() ? nullptr : &found->second;
}

template <class T>
const T& Op::require(const std::map<std::string, T>& all, const std::string& name) const {
  const T* found = find(all, name);
  if (found == nullptr) throw CaseError("op " + id + " (" + op + ") lacks " + name);
  return *found;
}

const std::string& Op::text(const std::string& name) const {
  return require(parameters.texts, name);
}

std::optional<std::string> Op::optional_text(const std::string& name) const {
  const std::string* found = find(parameters.texts, name);
  return found ? std::optional(*found) : std::nullopt;
}

std::optional<std::int64_t> Op::optional_number(const std::string& name) const {
  const std::int64_t* found = find(parameters.numbers, name);
  return found ? std::optional(*found) : std::nullopt;
}

bool Op::flag(const std::string& name) const {
  const bool* found = find(parameters.flags, name);
  return found != nullptr && *found;
}

const std::vector<std::string>& Op::list(const std::string& name) const {
  return require(parameters.lists, name);
}

const Function& Op::function(const std::string& name) const {
  return require(parameters.functions, name);
}

bool Op::has_function(const std::string& name) const {
  return find(parameters.functions, name) != nullptr;
}

const std::vector<Function>& Op::functions(const std::string& name) const {
  return require(parameters.function_lists, name);
}

const WindowsSpec& Op::windows(const std::string& name) const {
  return require(parameters.windows, name);
}

std::vector<std::string> Op::not_taken() const {
  std::vector<std::string> names;
  const auto add = [&](const auto& all) {
    for (const auto& [name, value] : all) {
      if (!taken_.contains(name)) names.push_back(name);
    }
  };
  add(parameters.texts);
  add(parameters.numbers);
  add(parameters.flags);
  add(parameters.lists);
  add(parameters.functions);
  add(parameters.function_lists);
  add(parameters.windows);
  return names;
}

}  // namespace millrace::cases
