// The case runner: tools/conformance.
#include <iostream>
#include <stdexcept>

#include "cases/runner/options.h"
#include "cases/runner/suite.h"

int main(int argc, char** argv) {
  using namespace millrace::cases;
  Options options;
  try {
    options = parse_options({argv + 1, argv + argc});
  } catch (const std::invalid_argument& e) {
    std::cerr << e.what() << '\n' << kUsage;
    return 2;
  }
  try {
    std::vector<Case> cases = read_cases(options);
    if (cases.empty()) {
      std::cerr << "no such cases there\n";
      return 2;
    }
    return Suite(std::move(cases), options, std::cout).run() ? 0 : 1;
  } catch (const CaseError& e) {
    std::cerr << e.what() << '\n';
    return 2;
  }
}
