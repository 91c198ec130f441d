#include "rocks/identity.h"

#include <set>
#include <vector>

#include "millrace/detail/text.h"

namespace millrace::state::rocks {

std::optional<std::string> identity_mismatch(const StoreIdentity& wanted,
                                             const std::map<std::string, std::string>& on_disk,
                                             const std::filesystem::path& directory) {
  if (wanted.facts == on_disk) return std::nullopt;
  std::set<std::string> names;
  for (const auto& [name, value] : wanted.facts) names.insert(name);
  for (const auto& [name, value] : on_disk) names.insert(name);
  const auto shown = [](const std::map<std::string, std::string>& facts, const std::string& name) {
    const auto found = facts.find(name);
    return found == facts.end() ? std::string("nothing") : '"' + found->second + '"';
  };
  std::vector<std::string> differences;
  for (const std::string& name : names) {
    const std::string disk = shown(on_disk, name);
    const std::string topology = shown(wanted.facts, name);
    if (disk != topology) {
      differences.push_back(name + " is " + disk + " on disk and " + topology + " in the topology");
    }
  }
  return "store " + wanted.store + " in " + directory.string() +
         " is not the store of this topology: " + detail::join(differences, ", ") +
         ". All is kept as it was. Give the store another name, or go back to the topology that "
         "wrote it, or delete " +
         directory.string() +
         ": the stores of this task are then restored from their changelogs, which must hold what "
         "the "
         "topology says";
}

}  // namespace millrace::state::rocks
