// word-count --bootstrap.servers=localhost:9092 [--KEY=VALUE of StreamsConfig]...
#include <millrace/error.h>
#include <millrace/streams.h>

#include <iostream>

#include "word_count.h"

int main(int argc, char** argv) try {
  const millrace::StreamsConfig config{.application_id = "word-count"};
  return millrace::Streams(word_count_topology(), config.with_arguments(argc, argv)).run();
} catch (const millrace::Error& e) {
  std::cerr << "word-count: " << e.what() << '\n';
  return 2;
}
