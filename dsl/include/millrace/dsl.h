// The typed DSL: all that a topology is written with. Serdes for JSON are an include of their own,
// millrace/serde_json.h; what runs a topology is millrace/streams.h.
//
//   #include <millrace/dsl.h>
//
//   millrace::StreamsBuilder builder;
//   builder.stream<std::string, std::string>("in").to("out");
#pragma once

// Flat, and in this order what makes the sentences of compile errors: the chain of includes above
// such a sentence is then one line.
// clang-format off
#include "millrace/serde.h"
#include "millrace/topic.h"
#include "millrace/store_name.h"
#include "millrace/dsl/windows.h"
#include "millrace/dsl/detail/mistakes.h"
#include "millrace/dsl/detail/checks.h"
#include "millrace/dsl/detail/aggregate_checks.h"
#include "millrace/dsl/detail/join_checks.h"
#include "millrace/dsl/detail/table_checks.h"
#include "millrace/processor_context.h"
#include "millrace/dsl/detail/process_checks.h"
// clang-format on

#include "millrace/dsl/branch.h"
#include "millrace/dsl/kgrouped_stream.h"
#include "millrace/dsl/kgrouped_table.h"
#include "millrace/dsl/kstream.h"
#include "millrace/dsl/ktable.h"
#include "millrace/dsl/processed.h"
#include "millrace/dsl/streams_builder.h"
#include "millrace/dsl/time_windowed_kstream.h"
#include "millrace/processor.h"
#include "millrace/topology.h"
#include "millrace/windowed.h"
