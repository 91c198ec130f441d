#include "rocks/task_database.h"

#include <rocksdb/sst_file_reader.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <system_error>
#include <utility>

#include "millrace/detail/failpoint.h"
#include "millrace/detail/text.h"
#include "millrace/error.h"
#include "rocks/identity.h"
#include "rocks/set_aside.h"
#include "rocks/state_directory.h"

namespace millrace::state::rocks {

namespace {

std::string family_name(std::string_view store) { return std::string(kFamilyPrefix).append(store); }

// The store of a family; the family's own name where it is none of ours.
std::string store_of(const std::string& family) {
  return family.starts_with(kFamilyPrefix) ? family.substr(kFamilyPrefix.size()) : family;
}

// Whether these words of RocksDB are about what its files hold, or about one that is gone. All else (no
// space, no descriptors, no permission, a sector that cannot be read) may pass.
bool is_damage(const rocksdb::Status& status) {
  return status.IsCorruption() ||
         (status.IsIOError() && status.subcode() == rocksdb::Status::kPathNotFound);
}

bool has_tables(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::directory_iterator at(path, error);
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    if (at->path().extension() == ".sst") return true;
  }
  return false;
}

rocksdb::Status families_on_disk(const rocksdb::DBOptions& options,
                                 const std::filesystem::path& path, std::set<std::string>& found) {
  const std::string current = (path / "CURRENT").string();
  const rocksdb::Status there = options.env->FileExists(current);
  if (there.IsNotFound()) {
    // RocksDB would begin anew, and delete what it does not know.
    return has_tables(path) ? rocksdb::Status::Corruption(current, "is gone")
                            : rocksdb::Status::OK();
  }
  if (!there.ok()) return there;
  std::vector<std::string> names;
  const rocksdb::Status listed = rocksdb::DB::ListColumnFamilies(options, path.string(), &names);
  found.insert(names.begin(), names.end());
  return listed;
}

}  // namespace

void BackgroundErrors::OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) {
  std::function<void()> noticed;
  {
    const std::lock_guard lock(mutex_);
    error_ = *error;
    any_ = true;
    noticed = noticed_;
  }
  if (noticed) noticed();
}

void BackgroundErrors::OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) {
  const std::lock_guard lock(mutex_);
  error_ = info.new_bg_error;
}

void BackgroundErrors::OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo&) {
  const std::lock_guard lock(mutex_);
  flushed_.notify_all();
}

bool BackgroundErrors::wait_flushed(const std::function<bool()>& flushed) {
  constexpr std::chrono::seconds kPatience{10};
  std::unique_lock lock(mutex_);
  return flushed_.wait_for(lock, kPatience, flushed);
}

rocksdb::Status BackgroundErrors::now() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

bool BackgroundErrors::well() const {
  const std::lock_guard lock(mutex_);
  return error_.ok();
}

bool BackgroundErrors::any() const {
  const std::lock_guard lock(mutex_);
  return any_;
}

void BackgroundErrors::clear() {
  const std::lock_guard lock(mutex_);
  error_ = rocksdb::Status::OK();
}

void BackgroundErrors::tell(std::function<void()> noticed) {
  const std::lock_guard lock(mutex_);
  noticed_ = std::move(noticed);
}

Result<std::unique_ptr<TaskDatabase>> TaskDatabase::open(const std::filesystem::path& directory,
                                                         const std::vector<StoreIdentity>& stores,
                                                         const SharedResources& shared,
                                                         Logger& logger) {
  measure_nothing();
  for (bool again = false;; again = true) {
    std::unique_ptr<TaskDatabase> opened(new TaskDatabase(directory, shared));
    Status done = opened->open_all(stores, logger);
    if (done.ok()) return opened;
    if (!opened->damage_ || again) return done;
    const std::string damage = *opened->damage_;
    opened.reset();  // its files are let go
    const auto aside = set_aside(directory, shared.clock.now());
    if (!aside.ok()) {
      return Status::fatal(done.message() + ". It cannot be set aside (" +
                           aside.status().message() + "), and is where it was");
    }
    std::vector<std::string> names;
    for (const StoreIdentity& store : stores) names.push_back(store.store);
    logger.error("local state in " + directory.string() + " is damaged: " + damage +
                 ". It was moved to " + aside.value().string() +
                 ", where it is kept. Nothing is lost: its stores (" + detail::join(names, ", ") +
                 ") are restored from their changelogs in full");
  }
}

Status TaskDatabase::open_all(const std::vector<StoreIdentity>& stores, Logger& logger) {
  if (Status made = make_private_directory(directory_); !made.ok()) return made;
  std::error_code error;
  std::filesystem::remove_all(ingest_directory(), error);
  for (const auto& below : {ingest_directory(), directory_ / "db"}) {
    if (Status made = make_private_directory(below); !made.ok()) return made;
  }
  const std::filesystem::path marker = directory_ / "in-use";
  const bool after_crash = std::filesystem::exists(marker, error);
  if (Status marked = write_marker(marker); !marked.ok()) {
    return Status::fatal("local state cannot be written to: " + marked.message() +
                         ". Nothing was changed");
  }
  if (Status done = open_files(stores, logger); !done.ok()) return done;
  if (Status sound = check_files(after_crash, logger); !sound.ok()) return sound;
  for (std::size_t i = 0; i < stores.size(); ++i) {
    if (Status taken = take_up(stores[i], families_[i], logger); !taken.ok()) return taken;
  }
  return Status::success();
}

// What RocksDB calls damage is believed where all its files can be opened at the moment.
Status TaskDatabase::damaged(std::string what) {
  if (Status now = files_can_be_opened(); !now.ok()) {
    return Status::fatal("local state in " + directory_.string() + " cannot be read: " +
                         now.message() + ". Nothing was changed; it is tried again");
  }
  damage_ = std::move(what);
  return Status::fatal("local state in " + directory_.string() + " is damaged: " + *damage_);
}

Status TaskDatabase::refused(const rocksdb::Status& status) {
  if (is_damage(status)) return damaged(status.ToString());
  return Status::fatal("local state in " + directory_.string() + " cannot be opened: " +
                       status.ToString() + ". Nothing was changed; it is tried again");
}

Status TaskDatabase::files_can_be_opened() const {
  const std::string path = (directory_ / "db").string();
  std::vector<std::string> names;
  if (const rocksdb::Status listed = shared_.env->GetChildren(path, &names); !listed.ok())
    return to_status(listed);
  for (const std::string& name : names) {
    std::unique_ptr<rocksdb::SequentialFile> file;
    const rocksdb::Status opened =
        shared_.env->NewSequentialFile(path + '/' + name, &file, rocksdb::EnvOptions());
    if (!opened.ok() && !is_damage(opened)) return to_status(opened);
  }
  return Status::success();
}

void TaskDatabase::read_failed(const std::string& store, const rocksdb::Status& status) {
  const std::string what = "local state in " + directory_.string() + ": store " + store +
                           " cannot be read: " + status.ToString();
  if (!is_damage(status)) {
    throw StateError(what +
                     ". Nothing was changed. If that does not pass, move the directory away: its "
                     "stores are then restored from their changelogs in full");
  }
  doubt();
  throw StateError(
      what +
      ". Nothing was changed. Its task opens it anew: if it is damaged it is set aside "
      "then, and its stores are restored from their changelogs");
}

Status TaskDatabase::open_files(const std::vector<StoreIdentity>& stores, Logger& logger) {
  rocksdb::DBOptions options = database_options(shared_);
  options.listeners.push_back(background_errors_);
  const std::filesystem::path path = directory_ / "db";
  std::set<std::string> on_disk;
  if (const rocksdb::Status listed = families_on_disk(options, path, on_disk); !listed.ok())
    return refused(listed);

  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  std::vector<std::string> gone;
  const auto add = [&](const std::string& family) -> Status {
    auto made =
        family_options(shared_, store_of(family), family != rocksdb::kDefaultColumnFamilyName);
    if (!made.ok()) return made.status();
    descriptors.emplace_back(family, std::move(made.value()));
    return Status::success();
  };
  for (const StoreIdentity& store : stores) {
    if (Status added = add(family_name(store.store)); !added.ok()) return added;
    on_disk.erase(family_name(store.store));
  }
  on_disk.insert(rocksdb::kDefaultColumnFamilyName);
  for (const std::string& family : on_disk) {
    if (Status added = add(family); !added.ok()) return added;
    if (family != rocksdb::kDefaultColumnFamilyName) gone.push_back(store_of(family));
  }
  if (!gone.empty()) {
    logger.warning("local state in " + directory_.string() +
                   " holds stores that the topology has no "
                   "more: " +
                   detail::join(gone, ", ") +
                   ". They are kept as they are; delete the directory to be rid of them (the other "
                   "stores are then restored from their changelogs)");
  }

  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened =
      rocksdb::DB::Open(options, path.string(), descriptors, &handles_, &db);
  if (!opened.ok()) return refused(opened);
  db_.reset(db);
  MR_FAILPOINT("state.opened");
  for (std::size_t i = 0; i < stores.size(); ++i) {
    families_.push_back({stores[i].store, handles_[i], descriptors[i].options, {}, {}});
  }
  return Status::success();
}

// After a crash all of every file; otherwise only what RocksDB itself would step over in silence: the
// beginning of files below the first level, where the linked version does that.
Status TaskDatabase::check_files(bool after_crash, Logger& logger) {
  if (after_crash) {
    logger.info("local state in " + directory_.string() +
                " was not closed in order: its files are read once to see that they are whole");
    const rocksdb::Status sound = db_->VerifyChecksum(read_options());
    return sound.ok() ? Status::success() : refused(sound);
  }
  if (linked_version() >= kFirstHonestScan) return Status::success();
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  rocksdb::Options options;
  options.env = shared_.env.get();
  for (const rocksdb::LiveFileMetaData& file : files) {
    if (file.level == 0) continue;
    const std::string path = file.db_path + file.name;
    rocksdb::SstFileReader reader(options);
    rocksdb::Status sound = reader.Open(path);
    if (sound.ok()) {
      const std::unique_ptr<rocksdb::Iterator> begin(reader.NewIterator(read_options()));
      begin->SeekToFirst();
      sound = begin->status();
    }
    if (is_damage(sound)) return damaged(path + ": " + sound.ToString());
    if (!sound.ok()) return refused(sound);
  }
  return Status::success();
}

// Effect: `any` says whether the family has entries.
Status TaskDatabase::find_entries(const Family& family, bool& any) {
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(read_options(), family.handle));
  at->Seek(std::string(1, kEntry));
  any = at->Valid();
  return at->status().ok() ? Status::success() : refused(at->status());
}

// What a family says of itself.
struct TaskDatabase::Said {
  std::map<std::string, std::string> identity;
  std::optional<std::int32_t> format;
  Timestamp complete_as_of = kNoTimestamp;
};

Status TaskDatabase::read(Family& family, Said& said) {
  const std::string store = "store " + family.store;
  rocksdb::ReadOptions options = read_options();
  const std::string end(1, kEntry);
  const rocksdb::Slice upper(end);
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options, family.handle));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    std::string_view name = at->key().ToStringView().substr(1);
    BytesView value = at->value().ToStringView();
    if (name == kFormatName) {
      said.format = detail::read_int<std::int32_t>(value);
      if (!said.format) return damaged(store + ": its format cannot be read");
    } else if (name == kOffsetName) {
      const auto offset = read_offset_value(value);
      if (!offset) return damaged(store + ": its changelog offset cannot be read");
      family.offset = *offset;
    } else if (name == kCompleteName) {
      const auto as_of = detail::read_int<std::int64_t>(value);
      if (!as_of) return damaged(store + ": the time when it was complete cannot be read");
      said.complete_as_of = from_ms(*as_of);
    } else if (name.starts_with(kIdentityPrefix)) {
      said.identity.emplace(name.substr(kIdentityPrefix.size()), value);
    } else if (name.starts_with(kFactPrefix)) {
      family.facts.emplace(name.substr(kFactPrefix.size()), value);
    }
  }
  return at->status().ok() ? Status::success() : refused(at->status());
}

// Effect: a family that is there is what the topology says, and young enough; else it is made.
Status TaskDatabase::take_up(const StoreIdentity& identity, Family& family, Logger& logger) {
  const std::string store = "store " + identity.store;
  Said said;
  const std::uint64_t read_errors = shared_.read_errors->count();
  // A file that could not be read just now may have been passed over in silence (read_errors): then
  // nothing is known, and nothing is decided.
  const auto unread = [&] {
    return shared_.read_errors->count() == read_errors
               ? Status::success()
               : refused(rocksdb::Status::IOError(shared_.read_errors->last()));
  };
  if (Status done = read(family, said); !done.ok()) return done;
  if (Status done = unread(); !done.ok()) return done;
  if (!said.format) {
    bool any = false;
    if (Status done = find_entries(family, any); !done.ok()) return done;
    if (Status done = unread(); !done.ok()) return done;
    if (any) return damaged(store + ": it has entries, and does not say what it is");
    return make(identity, family);
  }
  if (*said.format != kFormatVersion) {
    return Status::fatal(store + " in " + directory_.string() + " is written in format " +
                         std::to_string(*said.format) + ", and this version knows " +
                         std::to_string(kFormatVersion) +
                         " only. All is kept as it was. Run the version that wrote it, or delete "
                         "the directory: its stores are then restored from their changelogs");
  }
  if (const auto mismatch = identity_mismatch(identity, said.identity, directory_))
    return Status::fatal(*mismatch);
  if (!is_stale(said.complete_as_of, shared_.clock.now(), identity.deletions_kept))
    return Status::success();
  logger.warning(
      store + " in " + directory_.string() + " had all of its changelog last " +
      (said.complete_as_of == kNoTimestamp ? std::string("nobody knows when")
                                           : "at " + detail::human_timestamp(said.complete_as_of)) +
      ", and the changelog keeps deletions for " + detail::human_duration(identity.deletions_kept) +
      ": it may never hear of some. It is made anew, and restored in full");
  if (const rocksdb::Status done = clear(family); !done.ok()) return refused(done);
  return make(identity, family);
}

// Effect: nothing is in it. A crash in between leaves no family of that name, or an empty one.
rocksdb::Status TaskDatabase::clear(Family& family) {
  rocksdb::Status done = db_->DropColumnFamily(family.handle);
  if (!done.ok()) return done;
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  done = db_->CreateColumnFamily(family.options, family_name(family.store), &handle);
  if (!done.ok()) return done;
  std::replace(handles_.begin(), handles_.end(), family.handle, handle);
  db_->DestroyColumnFamilyHandle(family.handle);
  family.handle = handle;
  family.offset = {};
  family.facts.clear();
  return done;
}

// Effect: a new family is given its identity, which is durable before anything else is written to it.
Status TaskDatabase::make(const StoreIdentity& identity, const Family& family) {
  rocksdb::WriteBatch batch;
  Bytes version;
  detail::append_int(kFormatVersion, version);
  batch.Put(family.handle, our_key(kFormatName), version);
  // It lacks nothing that a changelog read from its beginning, from now on, could hold back.
  batch.Put(family.handle, our_key(kCompleteName), complete_value(shared_.clock.now()));
  for (const auto& [name, value] : identity.facts) {
    batch.Put(family.handle, our_key(kIdentityPrefix, name), value);
  }
  rocksdb::Status written = db_->Write(write_options(), &batch);
  MR_FAILPOINT("state.identity");
  if (written.ok()) written = db_->Flush(rocksdb::FlushOptions(), family.handle);
  return written.ok() ? Status::success() : refused(written);
}

// Once RocksDB (7.6 and later, 7.8.3 among them) has got over a full disk, it takes itself for stopped
// until it is opened again: a flush then says that all is well without waiting for its end. So its
// write buffers are asked, too.
rocksdb::Status TaskDatabase::flush() {
  MR_FAILPOINT("apply.flush");
  const rocksdb::Status done = db_->Flush(rocksdb::FlushOptions(), handles_);
  MR_FAILPOINT("apply.synced");
  if (!done.ok() || !background_errors_->any()) return done;
  const bool all = background_errors_->wait_flushed([this] {
    return std::all_of(handles_.begin(), handles_.end(), [this](auto* handle) {
      std::uint64_t active = 0;
      std::uint64_t waiting = 0;
      db_->GetIntProperty(handle, rocksdb::DB::Properties::kNumEntriesActiveMemTable, &active);
      db_->GetIntProperty(handle, rocksdb::DB::Properties::kNumImmutableMemTable, &waiting);
      return active + waiting == 0;
    });
  });
  return all ? done : rocksdb::Status::Incomplete("the write buffers were not flushed");
}

Status TaskDatabase::close() {
  rocksdb::Status done = flush();
  for (rocksdb::ColumnFamilyHandle* handle : std::exchange(handles_, {})) {
    db_->DestroyColumnFamilyHandle(handle);
  }
  if (done.ok()) done = db_->Close();
  db_.reset();
  MR_FAILPOINT("state.closed");
  if (!done.ok()) return to_status(done);
  if (doubted()) return Status::success();
  std::error_code error;
  std::filesystem::remove(directory_ / "in-use", error);
  return sync_directory(directory_);
}

TaskDatabase::~TaskDatabase() {
  if (!db_) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
}

}  // namespace millrace::state::rocks
