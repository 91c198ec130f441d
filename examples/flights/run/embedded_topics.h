// What all runs on the embedded log share: where things are in the demo's directory.
#pragma once

#include <millrace/config.h>
#include <millrace/embedded_log.h>
#include <millrace/streams.h>
#include <millrace/topic.h>

#include <string>

namespace flights {

std::string journal_in(const std::string& directory);

void make_topics(millrace::EmbeddedLog& log);

// Values are JSON already; to the log they are bytes.
millrace::Topic<std::string, std::string> bytes_of(const std::string& topic);

// How many records the topic has.
std::size_t count_records(millrace::EmbeddedLog& log, const std::string& topic);

// `config` with this log, with its state beside it, and with a logger that tells what somebody should
// look at.
millrace::StreamsConfig embedded_config(const std::string& directory, millrace::EmbeddedLog& log,
                                        millrace::StreamsConfig config);

// Throws what stopped the topology, if it stopped.
void check_running(const millrace::Streams& app);

}  // namespace flights
