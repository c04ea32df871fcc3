#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "collective/team.h"

namespace tsring {

/// Which ranks share a host, and where we are among them.
struct Topology {
  /// Of each host the ranks on it, in order; hosts in the order of their first ranks.
  std::vector<std::vector<int>> hosts;
  size_t host = 0;   // ours
  size_t place = 0;  // ours among its ranks

  /// From a name of its host for each rank. An empty name is a host of its own.
  static Topology of(std::span<const std::string> hostIds, int rank);

  const std::vector<int>& neighbours() const { return hosts[host]; }
  /// Whether there are several hosts, of equally many ranks.
  bool equalHosts() const;
  /// Whether two levels make sense: equal hosts, of several ranks each.
  bool twoLevels() const { return equalHosts() && neighbours().size() > 1; }
  /// The ranks of our host, in order.
  Team insideHost() const { return {neighbours(), place}; }
  /// The ranks that have our place on their hosts, by host.
  Team acrossHosts() const;
};

}  // namespace tsring
