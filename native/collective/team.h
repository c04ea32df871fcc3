#pragma once

#include <cstddef>
#include <numeric>
#include <vector>

namespace tsring {

/// The ranks that take part in a collective, in ring order, and our own place among them.
struct Team {
  std::vector<int> ranks;
  size_t index = 0;

  static Team whole(int rank, int size) {
    Team team{std::vector<int>(static_cast<size_t>(size)), static_cast<size_t>(rank)};
    std::iota(team.ranks.begin(), team.ranks.end(), 0);
    return team;
  }
  size_t size() const { return ranks.size(); }
  /// The place `steps` to the left of ours.
  size_t toTheLeft(size_t steps) const { return (index + size() - steps % size()) % size(); }
  int left() const { return ranks[toTheLeft(1)]; }
  int right() const { return ranks[(index + 1) % size()]; }
};

}  // namespace tsring
