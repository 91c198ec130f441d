// Before a worker joins its group: which topics are there, do their partitions fit together, and
// the engine's own topics are made. Ends in a TopicPlan, or in one message that lists everything
// wrong.
#pragma once

#include <optional>
#include <string>

#include "topology/built_graph.h"
#include "worker/admin_desk.h"

namespace millrace::worker {

// Not thread-safe: belongs to one worker.
class Startup {
 public:
  // `dead_letter_topic`: empty: there is none.
  Startup(const graph::BuiltGraph& graph, std::string application_id, std::string dead_letter_topic,
          AdminDesk& admin);

  // Effect: asks what has to be known; done() or failure() follow.
  void begin();

  bool done() const { return done_; }
  const std::optional<std::string>& failure() const { return failure_; }
  // REQUIRES: done().
  const graph::TopicPlan& plan() const { return plan_; }

 private:
  void make_plan(const log::TopicsDescribed& described);
  void note_limits(const log::TopicsDescribed& described);
  void check_internal_topics(const log::TopicsDescribed& described);

  const graph::BuiltGraph& graph_;
  const std::string application_id_;
  const std::string dead_letter_topic_;
  AdminDesk& admin_;
  bool done_ = false;
  std::optional<std::string> failure_;
  graph::TopicPlan plan_;
};

}  // namespace millrace::worker
