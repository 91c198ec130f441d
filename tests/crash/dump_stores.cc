// What lies on disk of an application's stores: crash_dump DIR, where DIR holds a directory per task.
// Through RocksDB alone, by docs/format/state.md: shares no code with the engine. Bytes are hexadecimal.
//
//   offset <task> <store> <changelog offset>
//   entry <task> <store> <key> <timestamp> <value>
#include <rocksdb/db.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::string_view kFamily = "store.";
constexpr std::string_view kOffset("\0offset", 7);

void check(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = bytes.empty() ? "-" : "";
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    text += kDigits[value >> 4];
    text += kDigits[value & 15];
  }
  return text;
}

long long number(std::string_view bytes) {
  if (bytes.size() < 8) throw std::runtime_error("an entry is too short");
  std::uint64_t value = 0;
  for (const char byte : bytes.substr(0, 8)) value = value << 8 | static_cast<unsigned char>(byte);
  return static_cast<long long>(value);
}

void dump_family(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, const std::string& task) {
  const std::string store = family->GetName().substr(kFamily.size());
  const std::unique_ptr<rocksdb::Iterator> at(db.NewIterator({}, family));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    const std::string_view key = at->key().ToStringView();
    const std::string_view value = at->value().ToStringView();
    if (key == kOffset) {
      std::printf("offset %s %s %lld\n", task.c_str(), store.c_str(), number(value));
    } else if (key.starts_with('\x01')) {
      std::printf("entry %s %s %s %lld %s\n", task.c_str(), store.c_str(),
                  hex(key.substr(1)).c_str(), number(value), hex(value.substr(8)).c_str());
    }
  }
  check(at->status());
}

void dump_task(const std::filesystem::path& directory) {
  const std::string database = (directory / "db").string();
  rocksdb::DBOptions options;
  std::vector<std::string> names;
  check(rocksdb::DB::ListColumnFamilies(options, database, &names));
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  check(rocksdb::DB::OpenForReadOnly(options, database, families, &handles, &opened));
  const std::unique_ptr<rocksdb::DB> db(opened);
  for (rocksdb::ColumnFamilyHandle* family : handles) {
    if (family->GetName().starts_with(kFamily))
      dump_family(*db, family, directory.filename().string());
    check(db->DestroyColumnFamilyHandle(family));
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) throw std::invalid_argument("usage: crash_dump DIR");
  for (const auto& task : std::filesystem::directory_iterator(argv[1])) {
    if (std::filesystem::exists(task.path() / "db" / "CURRENT")) dump_task(task.path());
  }
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "crash_dump: %s\n", e.what());
  return 1;
}
