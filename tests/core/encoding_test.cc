#include "millrace/detail/encoding.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "millrace/bytes.h"

namespace millrace {
namespace {

using detail::append_int;
using detail::append_sized;
using detail::append_varint;
using detail::decode_base64;
using detail::encode_base64;
using detail::read_bytes;
using detail::read_int;
using detail::read_sized;
using detail::read_varint;

template <class T>
std::string hex_of_int(T value) {
  Bytes out;
  append_int(value, out);
  return to_hex(out);
}

std::string hex_of_varint(std::int32_t value) {
  Bytes out;
  append_varint(value, out);
  return to_hex(out);
}

std::optional<std::int32_t> varint_of(std::string_view hex) {
  const Bytes bytes = from_hex(hex);
  BytesView in = bytes;
  return read_varint(in);
}

TEST(Hex, WritesTwoLowerCaseDigitsAByteAndReadsEitherCase) {
  // Any byte survives, bytes above 127 and zero included.
  EXPECT_EQ(to_hex(BytesView("\0k\x7f\x80\xff", 5)), "006b7f80ff");
  EXPECT_EQ(from_hex("006b7f80FF"), Bytes("\0k\x7f\x80\xff", 5));
  EXPECT_EQ(to_hex(""), "");
  EXPECT_EQ(from_hex(""), "");
}

TEST(Hex, RefusesWhatIsNotHex) {
  // Broken text in a test must be an error, never other bytes.
  for (const char* text : {"0", "000", "0g", "g0", "0x", " 00", "00 "}) {
    EXPECT_THROW(from_hex(text), std::invalid_argument) << text;
  }
}

TEST(Integers, AreBigEndianTwosComplement) {
  // The bytes that Java's ByteBuffer writes.
  EXPECT_EQ(hex_of_int<std::int64_t>(10), "000000000000000a");
  EXPECT_EQ(hex_of_int<std::int64_t>(-1), "ffffffffffffffff");
  EXPECT_EQ(hex_of_int(std::numeric_limits<std::int64_t>::min()), "8000000000000000");
  EXPECT_EQ(hex_of_int<std::int32_t>(0x01020304), "01020304");
  EXPECT_EQ(hex_of_int<std::int32_t>(-2), "fffffffe");
  EXPECT_EQ(hex_of_int<std::int16_t>(-2), "fffe");
  EXPECT_EQ(hex_of_int<std::int8_t>(-2), "fe");
  EXPECT_EQ(hex_of_int<std::uint8_t>(2), "02");
}

TEST(Integers, AreTakenOffTheFront) {
  // Reading moves past what was read, and past nothing where there is too little.
  const Bytes bytes = from_hex("000000000000000f000000ff");
  BytesView in = bytes;
  EXPECT_EQ(read_int<std::int64_t>(in), 15);
  EXPECT_EQ(read_int<std::int64_t>(in), std::nullopt);
  EXPECT_EQ(in.size(), 4u);
  EXPECT_EQ(read_int<std::int32_t>(in), 255);
  EXPECT_EQ(read_int<std::int8_t>(in), std::nullopt);
}

TEST(Sized, TellsNullFromEmptyAndWritesLengthFirst) {
  // The form of ListSerde's elements (SEMANTICS §3.5): length, bytes; -1 is null.
  Bytes out;
  append_sized(BytesView("\1\2", 2), out);
  append_sized(std::nullopt, out);
  append_sized(BytesView(), out);
  EXPECT_EQ(to_hex(out), "000000020102ffffffff00000000");

  BytesView in = out;
  EXPECT_EQ(read_sized(in), OptionalBytesView(BytesView("\1\2", 2)));
  const auto null = read_sized(in);
  ASSERT_TRUE(null.has_value());
  EXPECT_EQ(*null, std::nullopt);
  EXPECT_EQ(read_sized(in), OptionalBytesView(BytesView()));
  EXPECT_TRUE(in.empty());
}

TEST(Sized, RefusesLengthsThatCannotBe) {
  // A damaged length reads nothing, however large or negative, and leaves the input as it was.
  for (const char* hex : {"", "000000", "00000001", "7fffffff00", "fffffffe00", "80000000"}) {
    const Bytes bytes = from_hex(hex);
    BytesView in = bytes;
    EXPECT_EQ(read_sized(in), std::nullopt) << hex;
    EXPECT_EQ(in.size(), bytes.size()) << hex;
  }
  BytesView in = "ab";
  EXPECT_EQ(read_bytes(in, -1), std::nullopt);
  EXPECT_EQ(read_bytes(in, 3), std::nullopt);
  EXPECT_EQ(read_bytes(in, std::numeric_limits<std::int64_t>::max()), std::nullopt);
  EXPECT_EQ(read_bytes(in, 1), "a");
  EXPECT_EQ(read_bytes(in, 0), "");
  EXPECT_EQ(in, "b");
}

TEST(Varint, IsKafkas) {
  // Golden bytes; 2 -> 04 is the sample of SEMANTICS §3.5, the others follow protobuf's zig-zag.
  const std::vector<std::pair<std::int32_t, std::string>> golden = {
      {0, "00"},
      {-1, "01"},
      {1, "02"},
      {2, "04"},
      {63, "7e"},
      {-64, "7f"},
      {64, "8001"},
      {-65, "8101"},
      {8191, "fe7f"},
      {-8192, "ff7f"},
      {8192, "808001"},
      {1048575, "feff7f"},
      {1048576, "80808001"},
      {std::numeric_limits<std::int32_t>::max(), "feffffff0f"},
      {std::numeric_limits<std::int32_t>::min(), "ffffffff0f"}};
  for (const auto& [value, hex] : golden) {
    EXPECT_EQ(hex_of_varint(value), hex);
    EXPECT_EQ(varint_of(hex), value);
  }
}

TEST(Varint, RefusesWhatNoWriterWrote) {
  // Cut off, longer than five bytes, or more than 32 bits: nothing is read.
  for (const char* hex : {"", "80", "ffffffff", "ffffffff10", "ffffffff8f01", "808080808000"}) {
    const Bytes bytes = from_hex(hex);
    BytesView in = bytes;
    EXPECT_EQ(read_varint(in), std::nullopt) << hex;
    EXPECT_EQ(in.size(), bytes.size()) << hex;
  }
  const Bytes two = from_hex("8001ff");
  BytesView in = two;
  EXPECT_EQ(read_varint(in), 64);
  EXPECT_EQ(in.size(), 1u);
}

TEST(Base64, IsRfc4648AndJavas) {
  // The vectors of RFC 4648, and the offset commit metadata of SEMANTICS §3.8.
  const std::vector<std::pair<Bytes, std::string>> golden = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {from_hex("fbff"), "+/8="},
      {from_hex("0200000000000003e8"), "AgAAAAAAAAPo"},
      {from_hex("0200000000000003e800000001000000015300000000000003de"),
       "AgAAAAAAAAPoAAAAAQAAAAFTAAAAAAAAA94="}};
  for (const auto& [bytes, text] : golden) {
    EXPECT_EQ(encode_base64(bytes), text);
    EXPECT_EQ(decode_base64(text), bytes) << text;
  }
}

TEST(Base64, AcceptsMissingPaddingAsJavaDoes) {
  // Java's decoder takes a last group without its '='.
  EXPECT_EQ(decode_base64("Zg"), "f");
  EXPECT_EQ(decode_base64("Zm8"), "fo");
}

TEST(Base64, RefusesOtherText) {
  // Foreign commit metadata must be seen as foreign: too little or too much padding, padding
  // inside, a lone character, other alphabets, white space.
  for (const char* text : {"Z", "Zm9vY", "Zg=", "Zg===", "=", "==", "====", "Zg==Zg==", "Z=g=",
                           "Zm8==", "Zm9v=", "-_8=", "Zm 8=", "Zm8=\n", "{\"a\":1}"}) {
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace millrace
