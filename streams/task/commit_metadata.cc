#include "task/commit_metadata.h"

#include "millrace/detail/encoding.h"

namespace millrace::task {

namespace {

constexpr char kVersionTimeOnly = 1;
constexpr char kVersionWithEntries = 2;

}  // namespace

std::string encode(const CommitMetadata& metadata) {
  Bytes bytes;
  bytes.push_back(kVersionWithEntries);
  detail::append_int(metadata.partition_time, bytes);
  if (!metadata.entries.empty()) {
    detail::append_int(static_cast<std::int32_t>(metadata.entries.size()), bytes);
    for (const auto& [name, value] : metadata.entries) {
      detail::append_sized(BytesView(name), bytes);
      detail::append_int(value, bytes);
    }
  }
  return detail::encode_base64(bytes);
}

CommitMetadata decode_commit_metadata(std::string_view text) {
  const CommitMetadata nothing;
  const auto bytes = detail::decode_base64(text);
  if (!bytes || bytes->empty()) return nothing;
  BytesView in = *bytes;
  const char version = in.front();
  in.remove_prefix(1);
  const auto time = detail::read_int<std::int64_t>(in);
  if ((version != kVersionTimeOnly && version != kVersionWithEntries) || !time) return nothing;

  CommitMetadata metadata;
  metadata.partition_time = *time;
  if (version == kVersionTimeOnly || in.empty()) return metadata;
  const auto count = detail::read_int<std::int32_t>(in);
  if (!count) return nothing;
  for (std::int32_t i = 0; i < *count; ++i) {
    const auto name = detail::read_sized(in);
    if (!name || !*name) return nothing;
    const auto value = detail::read_int<std::int64_t>(in);
    if (!value) return nothing;
    metadata.entries.push_back({std::string(**name), *value});
  }
  return metadata;
}

}  // namespace millrace::task
