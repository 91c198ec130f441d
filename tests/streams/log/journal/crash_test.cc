// Random lives of a journal with power cuts, kills, full disks and failing syncs, against a model.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>

#include "streams/log/journal/journal_harness.h"
#include "support/simulated_file_system.h"

namespace millrace::log::journal {
namespace {

constexpr std::int32_t kPartitions = 3;

// What the journal is after each frame: what of it may be found after a crash is a prefix.
struct Model {
  struct Step {
    Bytes catalog;
    std::vector<std::pair<PartitionKey, Values>> written;
  };
  std::vector<Step> steps;  // [0]: before any frame
  std::size_t acknowledged = 0;

  Values values(PartitionKey where) const {
    Values all;
    for (const Step& step : steps) {
      for (const auto& [place, values] : step.written) {
        if (place == where) all.insert(all.end(), values.begin(), values.end());
      }
    }
    return all;
  }
};

Bytes bytes_of(const Catalog& catalog) {
  Bytes bytes;
  catalog.encode(bytes);
  return bytes;
}

// How often what is rare was met: a test that never meets it proves nothing.
struct Met {
  int power_cuts = 0;
  int cuts_while_opening = 0;
  int kills = 0;
  int no_room = 0;
  int ended = 0;
  std::map<std::string, int> said = {
      {"they were never acknowledged as durable", 0}, {"what was not durable was written to", 0},
      {"it was made again from the frames", 0},       {"was not written whole; it is cut", 0},
      {"the segment keeps a useless end", 0},         {"what follows goes to a new segment", 0}};
};

class Life {
 public:
  Life(std::uint64_t seed, Met& met) : random_(seed), files_(seed), met_(met) {
    journal_.options.segment_bytes = 300 + pick(3000);
    all_alike_ = pick(3) == 0;
    model_.steps.push_back({bytes_of(Catalog()), {}});
  }

  void run() {
    for (int i = 0; i < 60 && !testing::Test::HasFatalFailure(); ++i) step();
    files_.set_room(std::nullopt);
    survive(true);
    const std::string said = journal_.logger.all();
    for (auto& [text, times] : met_.said) times += said.find(text) != std::string::npos ? 1 : 0;
  }

 private:
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

  void step() {
    if (!journal_.store) open();
    if (testing::Test::HasFatalFailure()) return;
    if (journal_.store) act(pick(100));
    if (files_.off()) survive(true);
  }

  void act(std::uint64_t what) {
    if (what < 60) {
      write();
    } else if (what < 80) {
      sync();
    } else if (what < 84) {
      files_.fail_sync_in(1 + static_cast<int>(pick(3)));
    } else if (what < 87) {
      files_.set_room(pick(2) == 0 ? std::optional(used() + pick(400)) : std::nullopt);
    } else if (what < 90) {
      journal_.clock.advance(Duration(pick(100'000)));
      journal_.close();
    } else if (what < 94) {
      files_.cut_power_in(1 + static_cast<int>(pick(12)));
    } else {
      survive(pick(2) == 0);
    }
  }

  std::uint64_t used() const {
    std::uint64_t bytes = 0;
    for (const auto& [path, content] : files_.contents()) bytes += content.size();
    return bytes;
  }

  // The process ends, the machine with it or not; what is there then?
  void survive(bool power) {
    power_was_cut_ = power_was_cut_ || power;
    ++(power ? met_.power_cuts : met_.kills);
    power ? files_.cut_power() : files_.kill();
    journal_.close();
    files_.restart();
    files_.set_room(std::nullopt);
    for (int tries = 0; !journal_.store && tries < 20; ++tries) {
      if (pick(4) == 0) files_.cut_power_in(1 + static_cast<int>(pick(10)));
      open();
      if (testing::Test::HasFatalFailure()) return;
      if (!files_.off()) continue;
      ++met_.cuts_while_opening;
      power_was_cut_ = true;
      journal_.close();
      files_.restart();
    }
    files_.cut_power_in(0);
    ASSERT_TRUE(journal_.store);
  }

  void open() {
    const Status opened = journal_.open();
    if (files_.off()) return;
    if (!opened.ok() && (opened.message().find("No space") != std::string::npos ||
                         opened.message().find("fdatasync") != std::string::npos)) {
      files_.set_room(std::nullopt);  // a later try will do
      return;
    }
    ASSERT_TRUE(opened.ok()) << opened.message();
    const Bytes found = bytes_of(journal_.catalog);
    std::size_t prefix = 0;
    while (prefix < model_.steps.size() && model_.steps[prefix].catalog != found) ++prefix;
    ASSERT_LT(prefix, model_.steps.size()) << "what is there never was";
    ASSERT_GE(prefix, model_.acknowledged) << "acknowledged frames are gone";
    if (!power_was_cut_ && !failed_) {
      ASSERT_EQ(prefix + 1, model_.steps.size()) << "written frames are gone";
    }
    model_.steps.resize(prefix + 1);
    model_.acknowledged = prefix;  // it was made durable before it is shown
    power_was_cut_ = failed_ = false;
    check();
  }

  void check() {
    for (std::int32_t partition = 0; partition < kPartitions; ++partition) {
      ASSERT_TRUE(journal_.read_all(place(1, partition)) == model_.values(place(1, partition)));
    }
  }

  void write() {
    Frame frame;
    Model::Step step;
    std::vector<RecordEncoder> encoders(kPartitions);
    if (journal_.catalog.find("t") == nullptr) {
      frame.topics_made.push_back({journal_.catalog.next_topic_id(), "t", kPartitions, {}});
    } else {
      for (std::int32_t partition = 0; partition < kPartitions; ++partition) {
        if (all_alike_ ? partition > 0 : pick(2) == 0) continue;
        const PartitionKey where = place(1, partition);
        const Offset base = journal_.next(where);
        RecordEncoder& encoder = encoders[static_cast<std::size_t>(partition)];
        Values values;
        std::int32_t delta = 0;
        for (std::uint64_t count = all_alike_ ? 1 : 1 + pick(3); count > 0; --count, ++delta) {
          values.emplace_back(base + delta,
                              std::to_string(++unique_) + Bytes(all_alike_ ? 100 : pick(200), 'v'));
          encoder.add(delta, std::nullopt, values.back().second, from_ms(unique_), Headers::none());
        }
        frame.batches.push_back({where, base, base + (delta + 1), delta, from_ms(unique_),
                                 encoder.max_timestamp(), encoder.bytes()});
        step.written.emplace_back(where, std::move(values));
      }
      frame.offsets.push_back(
          {"g", place(1, 0), Offset(++unique_), Bytes(all_alike_ ? 0 : pick(20), 'm')});
    }
    Catalog after = journal_.catalog;
    ASSERT_FALSE(after.apply(frame));
    step.catalog = bytes_of(after);
    // Should the power go meanwhile, it may be there.
    model_.steps.push_back(std::move(step));
    const Status appended = journal_.append(frame);
    if (appended.ok()) return;
    if (!files_.off()) model_.steps.pop_back();
    refused(appended);
  }

  void sync() {
    const Status synced = journal_.store->sync();
    if (!synced.ok()) return refused(synced);
    ASSERT_TRUE(journal_.store->all_synced());
    model_.acknowledged = model_.steps.size() - 1;
    if (pick(4) == 0 && !files_.off()) check();
  }

  void refused(const Status& status) {
    failed_ = true;
    if (files_.off()) return;
    if (status.consequence() == Consequence::kRetry) {
      ++met_.no_room;
      ASSERT_NE(status.message().find("No space"), std::string::npos) << status.message();
      if (pick(2) == 0) files_.set_room(std::nullopt);
      return;
    }
    ++met_.ended;
    ASSERT_EQ(status.consequence(), Consequence::kFatal);
    ASSERT_NE(status.message().find("fdatasync"), std::string::npos) << status.message();
    survive(pick(2) == 0);
  }

  std::mt19937_64 random_;
  SimulatedFileSystem files_;
  Met& met_;
  JournalHarness journal_{files_, "/data/journal"};
  Model model_;
  // Frames of one length: where one was, another fits exactly, and what was cut must stay so.
  bool all_alike_ = false;
  std::int64_t unique_ = 100'000;
  bool power_was_cut_ = false;
  bool failed_ = false;
};

TEST(JournalCrash, WhatWasAcknowledgedIsThereAndTheRestIsAPrefix) {
  // Property: after any crash, every frame that sync() acknowledged is there; behind them a prefix of
  // those written since; nothing else ever. A journal that is not damaged is never refused.
  const char* given = std::getenv("MILLRACE_SEED");
  const char* count = std::getenv("MILLRACE_CASES");
  const std::uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  const std::uint64_t cases = given != nullptr   ? 1
                              : count != nullptr ? std::strtoull(count, nullptr, 10)
                                                 : 3000;
  Met met;
  for (std::uint64_t seed = first; seed < first + cases; ++seed) {
    SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
    Life(seed, met).run();
    if (testing::Test::HasFailure()) return;
  }
  std::printf("power cuts %d, while opening %d, kills %d, no room %d, ended %d\n", met.power_cuts,
              met.cuts_while_opening, met.kills, met.no_room, met.ended);
  for (const auto& [text, times] : met.said) std::printf("%6d lives: %s\n", times, text.c_str());
  if (cases < 1000) return;
  EXPECT_TRUE(met.power_cuts && met.cuts_while_opening && met.kills && met.no_room && met.ended);
  for (const auto& [text, times] : met.said) EXPECT_GT(times, 0) << text;
}

}  // namespace
}  // namespace millrace::log::journal
