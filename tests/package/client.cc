// A program of somebody else's, built against millrace the way users do; see run.py.
#include <millrace/ids.h>

#include <iostream>

int main() {
  const millrace::TopicPartition where{"orders", millrace::Partition(3)};
  std::cout << "client of " << CLIENT_OF << " ran: " << millrace::to_string(where) << '\n';
}
