#include "rocks/table_writer.h"

#include <rocksdb/convenience.h>
#include <rocksdb/sst_file_writer.h>

#include <string>
#include <system_error>
#include <utility>

#include "millrace/detail/failpoint.h"

namespace millrace::state::rocks {

namespace {

// A write batch is taken into one memtable as a whole: small ones keep it near its bound.
constexpr std::size_t kWriteBatchBytes = 1 << 20;
// As family_options() asks RocksDB for: expiry frees whole files.
constexpr std::size_t kIngestedFileBytes = 16 << 20;

// In one write, which is durable as a whole: how far the table goes, and when that was all there was.
void put_offset(const Family& family, const MergedBatches& merged, rocksdb::WriteBatch& batch) {
  if (merged.offset.offset != kNoOffset)
    batch.Put(family.handle, our_key(kOffsetName), offset_value(merged.offset));
  if (merged.complete_as_of != kNoTimestamp)
    batch.Put(family.handle, our_key(kCompleteName), complete_value(merged.complete_as_of));
}

rocksdb::Status write_small(rocksdb::DB& db, const Family& family, const MergedBatches& merged) {
  rocksdb::WriteBatch batch;
  Bytes key;
  Bytes value;
  rocksdb::Status done;
  for (const CommitBatch::Entry& entry : merged.entries) {
    put_entry_key(entry.key, key);
    if (entry.value) {
      put_entry_value(*entry.value, entry.timestamp, value);
      batch.Put(family.handle, key, value);
    } else {
      batch.Delete(family.handle, key);
    }
    if (batch.GetDataSize() < kWriteBatchBytes) continue;
    done = db.Write(write_options(), &batch);
    if (!done.ok()) return done;
    batch.Clear();
  }
  MR_FAILPOINT("apply.mid");
  // Memtables of one family are flushed in order, so the offset is never durable before its data.
  put_offset(family, merged, batch);
  return batch.Count() == 0 ? done : db.Write(write_options(), &batch);
}

class FileWriter {
 public:
  FileWriter(TaskDatabase& database, const Family& family)
      : directory_(database.ingest_directory()),
        options_(database_options(database.shared()), family.options),
        family_(family) {}

  rocksdb::Status add(const CommitBatch::Entry& entry) {
    if (!writer_) {
      writer_ =
          std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(), options_, family_.handle);
      files_.push_back((directory_ / (std::to_string(files_.size()) + ".sst")).string());
      const rocksdb::Status opened = writer_->Open(files_.back());
      if (!opened.ok()) return opened;
    }
    put_entry_key(entry.key, key_);
    rocksdb::Status added;
    if (entry.value) {
      put_entry_value(*entry.value, entry.timestamp, value_);
      added = writer_->Put(key_, value_);
    } else {
      added = writer_->Delete(key_);
    }
    if (!added.ok() || writer_->FileSize() < kIngestedFileBytes) return added;
    return finish();
  }

  rocksdb::Status finish() {
    return writer_ ? std::exchange(writer_, nullptr)->Finish() : rocksdb::Status::OK();
  }

  const std::vector<std::string>& files() const { return files_; }

 private:
  const std::filesystem::path directory_;
  const rocksdb::Options options_;
  const Family& family_;
  std::unique_ptr<rocksdb::SstFileWriter> writer_;
  std::vector<std::string> files_;
  Bytes key_;
  Bytes value_;
};

rocksdb::Status write_sorted_files(TaskDatabase& database, const Family& family,
                                   const MergedBatches& merged) {
  FileWriter writer(database, family);
  rocksdb::Status done;
  for (const CommitBatch::Entry& entry : merged.entries) {
    if (done = writer.add(entry); !done.ok()) return done;
  }
  if (done = writer.finish(); !done.ok()) return done;
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  options.failed_move_fall_back_to_copy = true;
  options.write_global_seqno = false;
  MR_FAILPOINT("ingest.before");
  return database.db().IngestExternalFile(family.handle, writer.files(), options);
}

// What is dropped and what the store says of itself come first, in one write: a segment's facts go
// with the segment, and are there before its first entry.
rocksdb::Status write_drops_and_facts(rocksdb::DB& db, const Family& family,
                                      const MergedBatches& merged) {
  rocksdb::WriteBatch batch;
  std::vector<std::pair<Bytes, Bytes>> ranges;
  for (const CommitBatch::Range& range : merged.drops) {
    auto& [from, to] = ranges.emplace_back();
    put_entry_key(range.from, from);
    put_entry_key(range.to, to);
    batch.DeleteRange(family.handle, from, to);
  }
  for (const auto& [name, value] : merged.facts) {
    if (value) {
      batch.Put(family.handle, our_key(kFactPrefix, name), *value);
    } else {
      batch.Delete(family.handle, our_key(kFactPrefix, name));
    }
  }
  if (batch.Count() == 0) return rocksdb::Status::OK();
  rocksdb::Status done = db.Write(write_options(), &batch);
  for (std::size_t i = 0; done.ok() && i < ranges.size(); ++i) {
    const rocksdb::Slice from(ranges[i].first);
    const rocksdb::Slice to(ranges[i].second);
    done = rocksdb::DeleteFilesInRange(&db, family.handle, &from, &to, false);
  }
  return done;
}

rocksdb::Status write_all(TaskDatabase& database, const Family& family, const MergedBatches& merged,
                          std::size_t ingest_from) {
  rocksdb::DB& db = database.db();
  MR_FAILPOINT("apply.before");
  rocksdb::Status done = write_drops_and_facts(db, family, merged);
  if (!done.ok()) return done;
  MR_FAILPOINT("apply.dropped");
  if (merged.entries.empty() || merged.entry_bytes < ingest_from) {
    return write_small(db, family, merged);
  }
  // The files are durable at once, so what must come before them has to be, too.
  if (!merged.facts.empty()) done = db.Flush(rocksdb::FlushOptions(), family.handle);
  if (done.ok()) done = write_sorted_files(database, family, merged);
  MR_FAILPOINT("ingest.after");
  if (!done.ok() || merged.offset.offset == kNoOffset) return done;
  rocksdb::WriteBatch batch;
  put_offset(family, merged, batch);
  done = db.Write(write_options(), &batch);
  MR_FAILPOINT("ingest.offset");
  return done.ok() ? db.Flush(rocksdb::FlushOptions(), family.handle) : done;
}

}  // namespace

Status write(TaskDatabase& database, const Family& family, const MergedBatches& merged,
             std::size_t ingest_from) {
  rocksdb::Status done = write_all(database, family, merged, ingest_from);
  MR_FAILPOINT("apply.after");
  if (done.ok()) return Status::success();
  // Files of an ingest that failed; the next try writes its own.
  std::error_code error;
  std::filesystem::directory_iterator left(database.ingest_directory(), error);
  while (!error && left != std::filesystem::directory_iterator()) {
    const std::filesystem::path file = left->path();
    left.increment(error);
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
  }
  return to_status(done);
}

}  // namespace millrace::state::rocks
