// What lies on disk of an application's stores: crash_dump DIR, where DIR holds a directory per task.
// Through RocksDB alone, by docs/format/state.md: shares no code with the engine. Bytes are hexadecimal.
//
//   offset <task> <store> <changelog offset>
//   entry <task> <store> <key> <timestamp> <value>
//   damaged <task> <what RocksDB says>   then nothing else is said of the task
#include <rocksdb/db.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
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

void dump_family(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, const std::string& task,
                 std::string& out) {
  const std::string store = family->GetName().substr(kFamily.size());
  const std::unique_ptr<rocksdb::Iterator> at(db.NewIterator({}, family));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    const std::string_view key = at->key().ToStringView();
    const std::string_view value = at->value().ToStringView();
    if (key == kOffset) {
      out += "offset " + task + ' ' + store + ' ' + std::to_string(number(value)) + '\n';
    } else if (key.starts_with('\x01')) {
      out += "entry " + task + ' ' + store + ' ' + hex(key.substr(1)) + ' ' +
             std::to_string(number(value)) + ' ' + hex(value.substr(8)) + '\n';
    }
  }
  check(at->status());
}

std::string dump_task(const std::filesystem::path& directory) {
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
  std::string out;
  std::optional<std::string> damage;
  for (rocksdb::ColumnFamilyHandle* family : handles) {
    try {
      if (family->GetName().starts_with(kFamily))
        dump_family(*db, family, directory.filename().string(), out);
    } catch (const std::runtime_error& e) {
      damage = e.what();
    }
    check(db->DestroyColumnFamilyHandle(family));
  }
  if (damage) throw std::runtime_error(*damage);
  return out;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) throw std::invalid_argument("usage: crash_dump DIR");
  for (const auto& task : std::filesystem::directory_iterator(argv[1])) {
    const std::string name = task.path().filename().string();
    // What a worker set aside is none of its stores any more.
    if (name.find(".bad-") != std::string::npos || !std::filesystem::exists(task.path() / "db"))
      continue;
    std::string out;
    try {
      if (std::filesystem::exists(task.path() / "db" / "CURRENT")) out = dump_task(task.path());
    } catch (const std::runtime_error& e) {
      out = "damaged " + name + ' ' + e.what() + '\n';
    }
    std::fputs(out.c_str(), stdout);
  }
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "crash_dump: %s\n", e.what());
  return 1;
}
