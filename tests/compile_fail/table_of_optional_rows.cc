// expect: millrace: a row that is there has a value: KTable<K, V> instead of KTable<K,
// std::optional<V>>
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

#ifdef CONTROL
using Users = KTable<std::string, std::string>;
#else
using Users = KTable<std::string, std::optional<std::string>>;
#endif

void topology(const Users& users) { users.to_stream().to("changes"); }
