// The typed DSL: all that a topology is written with. Serdes for JSON are an include of their own,
// millrace/serde_json.h; what runs a topology is millrace/streams.h.
//
//   #include <millrace/dsl.h>
//
//   millrace::StreamsBuilder builder;
//   builder.stream<std::string, std::string>("in").to("out");
#pragma once

#include "millrace/dsl/branch.h"
#include "millrace/dsl/kgrouped_stream.h"
#include "millrace/dsl/kgrouped_table.h"
#include "millrace/dsl/kstream.h"
#include "millrace/dsl/ktable.h"
#include "millrace/dsl/options.h"
#include "millrace/dsl/streams_builder.h"
#include "millrace/dsl/time_windowed_kstream.h"
#include "millrace/dsl/windows.h"
#include "millrace/topic.h"
#include "millrace/topology.h"
#include "millrace/windowed.h"
