#include "log/journal/key_digest.h"

#include <algorithm>
#include <boost/uuid/name_generator_sha1.hpp>

namespace millrace::log::journal {

KeyDigest digest_of(BytesView key) {
  static const boost::uuids::name_generator_sha1 digest{boost::uuids::uuid{}};
  const boost::uuids::uuid id = digest(key.data(), key.size());
  KeyDigest made;
  std::ranges::copy(id, made.bytes.begin());
  return made;
}

}  // namespace millrace::log::journal
