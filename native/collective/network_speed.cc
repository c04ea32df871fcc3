#include "collective/network_speed.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "collective/recursive_doubling.h"

namespace tsring {
namespace {

// The first brings connections to their speed.
constexpr size_t kRounds = 3;
// Takes a fast network about as long as a message, and a slow one milliseconds.
constexpr size_t kManyBytes = 128 << 10;
// Of a message, the part that a ring does not hide: while one is on its way the ring sends others, so where data take
// as long as messages it waits for few of them.
constexpr uint64_t kRingStepPercent = 80;
constexpr uint64_t kBetweenClasses = 8;
// Beyond this a class of networks is as good as any other.
constexpr uint64_t kMostTimesSlower = 4096;

/// The shortest of a few rounds, in nanoseconds.
Result<uint64_t> timeOf(Mesh& mesh, const Team& team, size_t bytes, std::chrono::milliseconds stallLimit) {
  RingWorkspace workspace;
  Bytes data(bytes);
  auto shortest = std::numeric_limits<uint64_t>::max();
  for (size_t round = 0; round < kRounds; ++round) {
    const auto start = Clock::now();
    Status s = recursiveDoublingAllreduce(mesh, team, data, DType::kUint8, ReduceOp::kMax, workspace, stallLimit);
    if (!s.ok()) return s;
    const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
    shortest = std::min(shortest, static_cast<uint64_t>(took));
  }
  return shortest;
}

/// The power of kBetweenClasses that `slower` over `usual` is nearest to by ratio; 1 for what is faster.
uint64_t timesSlower(uint64_t slower, uint64_t usual) {
  uint64_t times = 1;
  // Half way by ratio to the next class is its square root: slower / (usual * times) > sqrt(kBetweenClasses).
  const auto beyond = [&] {
    const double ratio = static_cast<double>(slower) / (static_cast<double>(usual) * static_cast<double>(times));
    return ratio * ratio > static_cast<double>(kBetweenClasses);
  };
  while (times < kMostTimesSlower && beyond()) times *= kBetweenClasses;
  return times;
}

uint32_t multiplied(uint32_t cost, uint64_t times) {
  return static_cast<uint32_t>(std::min<uint64_t>(cost * times, std::numeric_limits<uint32_t>::max()));
}

}  // namespace

Result<NetworkSpeed> measureNetwork(Mesh& mesh, const Team& team, std::chrono::milliseconds stallLimit) {
  const auto little = timeOf(mesh, team, 1, stallLimit);
  if (!little.ok()) return little.status();
  const auto many = timeOf(mesh, team, kManyBytes, stallLimit);
  if (!many.ok()) return many.status();
  const Work work = workOf(Algorithm::kRecursiveDoubling, team.size(), kManyBytes);
  const uint64_t forBytes = many.value() - std::min(many.value(), little.value());
  std::array<int64_t, 2> slowest{static_cast<int64_t>(little.value() / work.steps),
                                 static_cast<int64_t>(forBytes * 1000 / work.movedBytes)};
  RingWorkspace workspace;
  Status s = recursiveDoublingAllreduce(mesh, Team::whole(mesh.rank(), mesh.size()),
                                        std::as_writable_bytes(std::span(slowest)), DType::kInt64, ReduceOp::kMax,
                                        workspace, stallLimit);
  if (!s.ok()) return s;
  return NetworkSpeed{static_cast<uint64_t>(slowest[0]), static_cast<uint64_t>(slowest[1])};
}

Costs costsOn(const NetworkSpeed& network) {
  Costs costs = kBuiltInCosts;
  const Costs::One& usual = kBuiltInCosts.of[static_cast<size_t>(Algorithm::kRecursiveDoubling)];
  const uint64_t steps = timesSlower(network.messageNanoseconds, usual.stepNanoseconds);
  const uint64_t bytes = timesSlower(network.bytePicoseconds, usual.bytePicoseconds);
  for (size_t i = 0; i < kAlgorithmCount; ++i) {
    if (mediumOf(static_cast<Algorithm>(i)) != Medium::kLinks) continue;
    costs.of[i].stepNanoseconds = multiplied(costs.of[i].stepNanoseconds, steps);
    costs.of[i].bytePicoseconds = multiplied(costs.of[i].bytePicoseconds, bytes);
  }
  if (steps > 1) {
    uint32_t& ring = costs.of[static_cast<size_t>(Algorithm::kRing)].stepNanoseconds;
    ring = static_cast<uint32_t>(ring * kRingStepPercent / 100);
  }
  return costs;
}

uint64_t travelBytesWorth(const Costs& costs, size_t ranks) {
  const auto& [stepNanoseconds, bytePicoseconds] = costs.of[static_cast<size_t>(Algorithm::kRecursiveDoubling)];
  const uint64_t steps = workOf(Algorithm::kRecursiveDoubling, ranks, 0).steps;
  return steps * stepNanoseconds * 1000 / std::max<uint32_t>(1, bytePicoseconds);
}

}  // namespace tsring
