// Files in memory that fail as disks do. It takes the rules of file_system.h literally: what was not
// synced may be lost, kept, or torn after a power cut, sector by sector; a failed sync leaves
// pages that are read as written and that no later sync writes.
//
//   SimulatedFileSystem files(seed);
//   files.cut_power_in(7);      // during the 7th operation from here; then nothing works any more
//   ...                         // until files.off(); then destroy whatever has files open
//   files.restart();            // what a machine finds that comes up again
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "log/journal/file_system.h"

namespace millrace::log::journal {

class SimulatedFileSystem final : public FileSystem {
 public:
  explicit SimulatedFileSystem(std::uint64_t seed);
  ~SimulatedFileSystem() override;

  // --- what happens to it ------------------------------------------------------------------------

  // The power goes during the n-th operation that changes anything, from 1: it fails, and so does
  // everything behind it; the program may run on and will change nothing.
  void cut_power_in(int operations);
  // The power goes now.
  void cut_power();
  // The process ends: what was written is there, synced or not.
  void kill();
  // After either: files can be used again; what was open before stays useless.
  void restart();
  bool off() const;

  void set_room(std::optional<std::uint64_t> bytes);  // for all files together; nullopt: enough
  void fail_sync_in(int syncs);                       // the n-th sync() of a file, from 1: EIO
  void fail_reads(std::string path);                  // EIO; empty: none
  void deny(std::string path);                        // EACCES; empty: none
  void set_read_only(bool read_only);

  // --- for tests ---------------------------------------------------------------------------------

  std::map<std::string, std::string> contents() const;  // by path
  // Effect: writes behind everybody's back, durably; nullopt removes.
  void put(const std::string& path, std::optional<std::string> content);
  int operations() const;  // that changed anything, so far

  // --- FileSystem --------------------------------------------------------------------------------

  FileResult<std::unique_ptr<File>> open(const std::string& path, Open how) override;
  FileStatus create_directories(const std::string& path) override;
  FileResult<std::vector<std::string>> list(const std::string& directory) override;
  FileStatus rename(const std::string& from, const std::string& to) override;
  FileStatus remove(const std::string& path) override;
  FileStatus sync_directory(const std::string& path) override;
  FileResult<std::uint64_t> free_bytes(const std::string& directory) override;
  FileResult<std::unique_ptr<FileLock>> lock(const std::string& path,
                                             const std::string& note) override;
  FileResult<std::unique_ptr<FileLock>> lock_to_read(const std::string& path) override;

 private:
  struct Inode;
  class Handle;
  class Lock;
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  struct Directory {
    Names names;
    std::vector<Names> durable;  // what a power cut may leave: as synced, and every state since
  };

  FileStatus begin(const std::string& operation, const std::string& path);
  FileStatus end(FileStatus outcome, const std::string& path);
  void changed(Directory& directory);
  Directory* parent(const std::string& path);
  std::shared_ptr<Inode> find(const std::string& path);
  std::uint64_t used() const;
  std::uint64_t pick(std::uint64_t below);
  void settle(Inode& inode);
  FileStatus write(Inode& inode, const std::string& path, std::uint64_t at, BytesView bytes);

  mutable std::mutex mutex_;
  std::mt19937_64 random_;
  std::map<std::string, Directory> directories_;
  std::set<std::string> locks_;
  int incarnation_ = 0;  // handles of earlier ones are useless
  bool off_ = false;
  bool dying_ = false;  // the power goes during the operation under way
  bool power_lost_ = false;
  int operations_ = 0;
  int cut_in_ = 0;
  int fail_sync_in_ = 0;
  std::optional<std::uint64_t> room_;
  std::string no_reads_;
  std::string denied_;
  bool read_only_ = false;
};

}  // namespace millrace::log::journal
