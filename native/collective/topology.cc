#include "collective/topology.h"

#include <algorithm>

namespace tsring {

Topology Topology::of(std::span<const std::string> hostIds, int rank) {
  Topology topology;
  std::vector<std::string> names;
  for (size_t i = 0; i < hostIds.size(); ++i) {
    const auto found = hostIds[i].empty() ? names.end() : std::ranges::find(names, hostIds[i]);
    const auto host = static_cast<size_t>(found - names.begin());
    if (host == names.size()) {
      names.push_back(hostIds[i]);
      topology.hosts.emplace_back();
    }
    auto& ranks = topology.hosts[host];
    if (static_cast<int>(i) == rank) {
      topology.host = host;
      topology.place = ranks.size();
    }
    ranks.push_back(static_cast<int>(i));
  }
  return topology;
}

bool Topology::equalHosts() const {
  const auto asOurs = [&](const std::vector<int>& ranks) { return ranks.size() == neighbours().size(); };
  return hosts.size() > 1 && std::ranges::all_of(hosts, asOurs);
}

Team Topology::acrossHosts() const {
  Team team{{}, host};
  for (const auto& ranks : hosts) team.ranks.push_back(ranks[place]);
  return team;
}

}  // namespace tsring
