#include "transport/tcp/gate_plan.h"

#include <algorithm>
#include <bit>

#include "transport/dissemination.h"
#include "transport/tcp/gate_link.h"

namespace tsring {

static_assert(kMostCombinedBytes <= kMostTravelBytes);

GatePlan gatherEverywhere(size_t rank, size_t size, size_t travelBytes) {
  GatePlan plan{{}, false, travelBytes / size};
  const Dissemination all(rank, size);
  for (size_t k = 0; k < all.rounds(); ++k) {
    const auto [to, from, contributions] = all.round(k);
    plan.rounds.push_back({to, from, Taking::kAppend, contributions});
  }
  return plan;
}

GatePlan combineByCores(size_t rank, size_t size, size_t cores) {
  GatePlan plan{{}, true, kMostCombinedBytes};
  const size_t groups = std::bit_floor(std::min(std::max(cores, size_t{1}), size));
  const auto firstOf = [&](size_t group) { return group * (size / groups) + std::min(group, size % groups); };
  size_t group = 0;
  while (firstOf(group + 1) <= rank) ++group;
  const size_t first = firstOf(group);
  if (rank != first) {
    plan.rounds.push_back({first, first, Taking::kInsteadOfOurs});
    return plan;
  }
  for (size_t other = first + 1; other < firstOf(group + 1); ++other) {
    plan.rounds.push_back({std::nullopt, other, Taking::kCombineRight});
  }
  for (size_t distance = 1; distance < groups; distance *= 2) {
    const size_t peer = firstOf(group ^ distance);
    plan.rounds.push_back({peer, peer, group & distance ? Taking::kCombineLeft : Taking::kCombineRight});
  }
  for (size_t other = first + 1; other < firstOf(group + 1); ++other) {
    plan.rounds.push_back({other, std::nullopt});
  }
  return plan;
}

}  // namespace tsring
