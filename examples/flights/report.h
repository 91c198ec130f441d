// Results as tables for people.
#pragma once

#include "check/check.h"
#include "results.h"

namespace flights {

void print_tables(const Results& results);
void print_late(const check::Outcome& outcome);
void print_check(const check::Outcome& outcome);

}  // namespace flights
