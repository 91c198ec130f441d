// Bytes: what records, keys in stores and changelogs are made of.
//
//   Bytes out;                       // owned; serializers append to it
//   serde.serialize(order, out);
//   BytesView in = out;              // borrowed; never outlives what it looks at
//
// A payload that may be null (Kafka's null key, or the null value that means "deleted") is an
// OptionalBytesView: the empty payload and the null payload are different things.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace {

using Bytes = std::string;
using BytesView = std::string_view;
using OptionalBytes = std::optional<Bytes>;
using OptionalBytesView = std::optional<BytesView>;

// Effect: two lower-case hexadecimal digits per byte. For tests and dumps; never log record bytes.
std::string to_hex(BytesView bytes);

// Effect: the inverse of to_hex(). Errors: std::invalid_argument on an odd length or another digit.
Bytes from_hex(std::string_view hex);

}  // namespace millrace
