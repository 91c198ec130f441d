// Exceptions of the public interface. Building a topology, configuring and starting throw on the
// caller's thread; inside the engine failures are values (result.h).
//
//   try { Streams app(builder.build(), config); }
//   catch (const Error& e) { std::cerr << e.what() << '\n'; }   // every mistake, one a line
#pragma once

#include <stdexcept>
#include <string>

namespace millrace {

enum class ErrorCode {
  kTopology,          // the graph makes no sense; what() lists every mistake
  kConfig,            // a configuration value; what() lists every mistake
  kSerde,             // bytes that cannot be decoded, or a value that cannot be encoded
  kStoreUnavailable,  // the store is elsewhere, restoring or closed
  kTopic,             // a topic is missing or has the wrong shape
  kStopped,           // the work stopped; what() says why and what was kept
  kState,             // local state cannot be read or decoded; it is never skipped
};

// Base of everything that millrace throws.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& what) : std::runtime_error(what), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

class TopologyError : public Error {
 public:
  explicit TopologyError(const std::string& what) : Error(ErrorCode::kTopology, what) {}
};

class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& what) : Error(ErrorCode::kConfig, what) {}
};

// Thrown by serdes, users' ones included.
class SerdeError : public Error {
 public:
  explicit SerdeError(const std::string& what) : Error(ErrorCode::kSerde, what) {}
};

class StoreUnavailable : public Error {
 public:
  explicit StoreUnavailable(const std::string& what) : Error(ErrorCode::kStoreUnavailable, what) {}
};

class TopicError : public Error {
 public:
  explicit TopicError(const std::string& what) : Error(ErrorCode::kTopic, what) {}
};

// The work stopped because of a failure that it must not step over.
class StoppedError : public Error {
 public:
  explicit StoppedError(const std::string& what) : Error(ErrorCode::kStopped, what) {}
};

// Local state that cannot be read or decoded: its task stops with it, whatever a handler says about
// records (ENGINE §4).
class StateError : public Error {
 public:
  explicit StateError(const std::string& what) : Error(ErrorCode::kState, what) {}
};

}  // namespace millrace
