// One journal log in a directory of its own, and a client that talks to it.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "streams/log/journal/journal_client.h"
#include "support/temporary_directory.h"

namespace millrace::log::journal {

class JournalLogTest : public testing::Test {
 protected:
  JournalLogTest() { open(); }

  void open() {
    log = open_or_throw(options);
    client = std::make_unique<JournalClient>(*log);
  }
  void close() {
    client.reset();
    log.reset();
  }
  void reopen() {
    close();
    open();
  }

  TemporaryDirectory directory;
  JournalOptions options{.directory = directory.path() / "journal"};
  std::unique_ptr<JournalLog> log;
  std::unique_ptr<JournalClient> client;
  const TopicPartition a{"a", Partition(0)};
  const TopicPartition b{"b", Partition(0)};
};

}  // namespace millrace::log::journal
