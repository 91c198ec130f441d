// A directory with stores in several files, and what can happen to one.
#pragma once

#include <algorithm>
#include <fstream>
#include <vector>

#include "statestore/rocks/rocks_support.h"

namespace millrace::state {

class DamagedDirectory : public testing::Test {
 protected:
  static constexpr int kFiles = 4;

  RocksHostOptions options() { return options_in(directory_.path() / "app"); }
  RocksHostOptions options_in(std::filesystem::path directory) {
    RocksHostOptions options{.directory = std::move(directory), .logger = &lines_};
    options.ingest_from = 1;  // files that lie side by side below the first level
    options.retry_after = Duration(1);
    return options;
  }

  // What the commit at this offset of the changelog changed: 200 rows each, one after the other in the
  // order of keys; from the second on some rows of the first are deleted, too.
  static CommitBatch commit_at(int offset) {
    CommitBatch batch;
    for (int row = 0; row < 200; ++row)
      batch.put(std::to_string(offset * 1000 + row + 1000), Bytes(60, 'v'), from_ms(row));
    if (offset > 0) {
      for (int row = 0; row < 20; ++row) batch.erase(std::to_string(offset * 20 + row + 1000));
    }
    batch.covers(Offset(offset));
    return batch;
  }
  static Contents all_commits() {
    Contents model;
    for (int offset = 0; offset < kFiles; ++offset) {
      const CommitBatch batch = commit_at(offset);
      for (std::size_t i = 0; i < batch.entries(); ++i) {
        const auto entry = batch.entry(i);
        model.erase(Bytes(entry.key));
        if (entry.value) model[Bytes(entry.key)] = {Bytes(*entry.value), to_ms(entry.timestamp)};
      }
    }
    return model;
  }
  // Effect: the changelog is read from behind what the table has.
  static void restore(OpenHost& host) {
    const Offset has = host.table().offset();
    for (int offset = has == kNoOffset ? 0 : static_cast<int>(has.value()) + 1; offset < kFiles;
         ++offset) {
      host.apply(commit_at(offset));
    }
  }
  static Contents fill(OpenHost& host) {
    restore(host);
    return all_commits();
  }

  static void copy_private(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
    std::filesystem::permissions(to, std::filesystem::perms::owner_all);
  }
  static std::vector<std::filesystem::path> files_in(const std::filesystem::path& app) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(app / "orders-3" / "db"))
      files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  }
  static std::vector<std::filesystem::path> tables_in(const std::filesystem::path& app) {
    std::vector<std::filesystem::path> files = files_in(app);
    std::erase_if(files, [](const auto& file) { return file.extension() != ".sst"; });
    return files;
  }
  // What was set aside, the oldest first.
  static std::vector<std::filesystem::path> aside_in(const std::filesystem::path& app) {
    std::vector<std::filesystem::path> aside;
    for (const auto& entry : std::filesystem::directory_iterator(app)) {
      if (entry.path().filename().string().starts_with("orders-3.bad-"))
        aside.push_back(entry.path());
    }
    std::sort(aside.begin(), aside.end());
    return aside;
  }

  static void flip(const std::filesystem::path& file, std::uint64_t at, int bit) {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(static_cast<std::streamoff>(at));
    const auto old = static_cast<unsigned char>(bytes.get());
    bytes.seekp(static_cast<std::streamoff>(at));
    bytes.put(static_cast<char>(old ^ (1u << bit)));
  }

  TemporaryDirectory directory_;
  LoggedLines lines_;
};

}  // namespace millrace::state
