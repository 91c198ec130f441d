#include "millrace/windowed.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace millrace {
namespace {

using namespace std::chrono_literals;
using Key = Windowed<std::string>;

Key key_at(std::string key, Duration start) {
  return {std::move(key), window_from(Timestamp(start), 10ms)};
}

// In a topic the key is followed by 8 bytes of start, as Java's TimeWindowedSerializer writes it
// (SEMANTICS §3.4); the end is not stored.
TEST(Windowed, Bytes) {
  auto serde = time_windowed_serde<std::string>(10ms);
  Bytes out = "#";
  serde.serialize(key_at("k", 10ms), out);
  EXPECT_EQ(to_hex(out), "236b000000000000000a");
  Key read;
  serde.deserialize(BytesView(out).substr(1), read);
  EXPECT_EQ(read, key_at("k", 10ms));
}

// Whatever stands before the start is the inner key, nothing and zeros included.
TEST(Windowed, InnerKey) {
  auto serde = time_windowed_serde<std::string>(10ms);
  for (const std::string& inner : {std::string(), std::string(9, '\0'), std::string("\xff")}) {
    Bytes out;
    serde.serialize(key_at(inner, 1h), out);
    Key read = key_at("before", 0ms);
    serde.deserialize(out, read);
    EXPECT_EQ(read, key_at(inner, 1h));
  }
}

// Bytes without room for a start, or whose inner key cannot be read, are a SerdeError.
TEST(Windowed, UnreadableBytes) {
  auto serde = time_windowed_serde<std::int32_t>(10ms);
  Windowed<std::int32_t> read;
  EXPECT_THROW(serde.deserialize("", read), SerdeError);
  EXPECT_THROW(serde.deserialize("1234567", read), SerdeError);
  EXPECT_THROW(serde.deserialize("12345678", read), SerdeError);
  EXPECT_THROW(serde.deserialize("1234567890123", read), SerdeError);
}

// A window that would end behind all time ends with it.
TEST(Windowed, EndOfTime) {
  EXPECT_EQ(window_from(Timestamp(5ms), 10ms), (Window{Timestamp(5ms), Timestamp(15ms)}));
  EXPECT_EQ(window_from(Timestamp(5ms), Duration::max()).end, Timestamp::max());
  EXPECT_EQ(window_from(Timestamp(0ms), Duration::max()).end, Timestamp::max());
  EXPECT_EQ(window_from(Timestamp::max() - 10ms, 10ms).end, Timestamp::max());
}

// A session's key is followed by 8 bytes of its end and 8 of its start, as Java's
// SessionWindowedSerializer writes it (SEMANTICS §3.4).
TEST(SessionWindowed, Bytes) {
  Serde<SessionWindowed<std::string>> serde;
  const SessionWindowed<std::string> session{"k", {Timestamp(12ms), Timestamp(15ms)}};
  Bytes out;
  serde.serialize(session, out);
  EXPECT_EQ(to_hex(out), "6b000000000000000f000000000000000c");
  SessionWindowed<std::string> read;
  serde.deserialize(out, read);
  EXPECT_EQ(read, session);
  EXPECT_THROW(serde.deserialize(BytesView(out).substr(2), read), SerdeError);
}

}  // namespace
}  // namespace millrace
