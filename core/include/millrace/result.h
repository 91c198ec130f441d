// Failures as values, for the inside of the engine: a status says what may be done about it.
//
//   Status s = store.open();
//   if (!s.ok()) return s;                        // [[nodiscard]]: cannot be dropped unseen
//   switch (s.consequence()) { case Consequence::kRetry: ... }
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace millrace {

// What a failure obliges the caller to do (DESIGN §5, KAFKA_CLIENT §10.5).
enum class Consequence {
  kNone,     // no failure
  kRetry,    // nothing happened; the same call may be made again
  kAbort,    // the open transaction is lost: abort it, restore, replay
  kFenced,   // this producer is dead: rotate. Not by itself a sign that others own the tasks
  kUnknown,  // the outcome is open (timed out, cut): rotate and read what the log decided
  kFatal,    // stop and tell
};

std::string_view to_string(Consequence c);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Consequence consequence, std::string message)
      : consequence_(consequence), message_(std::move(message)) {}

  static Status success() { return {}; }
  static Status retry(std::string message) { return {Consequence::kRetry, std::move(message)}; }
  static Status abort(std::string message) { return {Consequence::kAbort, std::move(message)}; }
  static Status fenced(std::string message) { return {Consequence::kFenced, std::move(message)}; }
  static Status unknown(std::string message) { return {Consequence::kUnknown, std::move(message)}; }
  static Status fatal(std::string message) { return {Consequence::kFatal, std::move(message)}; }

  bool ok() const { return consequence_ == Consequence::kNone; }
  Consequence consequence() const { return consequence_; }
  const std::string& message() const { return message_; }

 private:
  Consequence consequence_ = Consequence::kNone;
  std::string message_;
};

// A T, or the status that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::move(value)) {}
  Result(Status failure) : content_(std::move(failure)) {}

  bool ok() const { return content_.index() == 0; }
  // REQUIRES: ok().
  T& value() { return std::get<0>(content_); }
  const T& value() const { return std::get<0>(content_); }
  // The failure; success() where there is a value.
  Status status() const { return ok() ? Status::success() : std::get<1>(content_); }

 private:
  std::variant<T, Status> content_;
};

}  // namespace millrace
