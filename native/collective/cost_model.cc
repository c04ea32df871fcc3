#include "collective/cost_model.h"

#include <bit>

namespace tsring {

Work workOf(Algorithm algorithm, size_t ranks, uint64_t bytes) {
  if (ranks < 2) return {0, 0, 0};
  const uint64_t others = ranks - 1;
  // Of the algorithms that pair ranks up: the seats, and what comes before and after when there are more ranks
  // (fold.h).
  const uint64_t seats = std::bit_floor(ranks);
  const auto doublings = static_cast<uint64_t>(std::bit_width(ranks) - 1);
  const uint64_t folds = seats == ranks ? 0 : 1;
  switch (algorithm) {
    case Algorithm::kRing:
      return {2 * others, 2 * others * bytes / ranks, others * bytes / ranks};
    case Algorithm::kRecursiveDoubling:
      return {doublings + 2 * folds, (doublings + 2 * folds) * bytes, (doublings + folds) * bytes};
    case Algorithm::kHalvingDoubling: {
      const uint64_t halved = (seats - 1) * bytes / seats;
      return {2 * doublings + 2 * folds, 2 * halved + 2 * folds * bytes, halved + folds * bytes};
    }
    case Algorithm::kEveryone:
      return {1, bytes, others * bytes};
    case Algorithm::kParts:
      return {2, bytes + others * bytes / ranks, others * bytes / ranks};
  }
  return {0, 0, 0};
}

Work workOfAll(Algorithm algorithm, size_t ranks, uint64_t bytes) {
  const bool pairsUp = algorithm == Algorithm::kRecursiveDoubling || algorithm == Algorithm::kHalvingDoubling;
  const uint64_t seats = pairsUp ? std::bit_floor(ranks) : ranks;
  const uint64_t folded = ranks - seats;
  const Work one = workOf(algorithm, seats, bytes);
  return {seats * one.steps + 2 * folded, seats * one.movedBytes + 2 * folded * bytes,
          seats * one.combinedBytes + folded * bytes};
}

uint64_t predict(const Costs& costs, Algorithm algorithm, size_t ranks, uint64_t bytes) {
  const Work work = costs.sharedCores ? workOfAll(algorithm, ranks, bytes) : workOf(algorithm, ranks, bytes);
  const auto& [stepNanoseconds, bytePicoseconds] = costs.of[static_cast<size_t>(algorithm)];
  return work.steps * stepNanoseconds * 1000 + work.movedBytes * bytePicoseconds +
         work.combinedBytes * costs.combinePicoseconds;
}

std::optional<uint64_t> bytesWorthARing(const Costs& costs, size_t ranks) {
  constexpr uint64_t kLeast = 4 << 20;
  constexpr uint64_t kMost = uint64_t{1} << 40;
  const uint64_t steps = predict(costs, Algorithm::kRing, ranks, 0);
  for (uint64_t bytes = kLeast; bytes < kMost; bytes *= 2) {
    if (steps * 20 <= predict(costs, Algorithm::kRing, ranks, bytes) - steps) return bytes;
  }
  return {};
}

}  // namespace tsring
