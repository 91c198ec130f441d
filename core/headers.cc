#include "millrace/headers.h"

namespace millrace {

const Headers& Headers::none() {
  // Never destroyed: records of threads that outlive main() may still point here.
  static const Headers& empty = *new Headers();
  return empty;
}

}  // namespace millrace
