#include "collective/network_speed.h"

#include <algorithm>

#include "collective/selection.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"
#include "transport/memory/memory_network.h"

namespace tsring {
namespace {

Tuning tuningOn(const NetworkSpeed& network) {
  Tuning tuning;
  tuning.costs = costsOn(network);
  return tuning;
}

/// The size from which recursive doubling, which has the fewest steps, is no longer chosen.
uint64_t mostInFewSteps(const NetworkSpeed& network) {
  const auto all = stretches(tuningOn(network), Medium::kLinks, 4);
  return all.front().algorithm == Algorithm::kRecursiveDoubling ? all.at(1).fromBytes : 0;
}

TEST(NetworkSpeed, AFastNetworkHasTheBuiltInCosts) {
  for (const NetworkSpeed& fast : {NetworkSpeed{0, 0}, NetworkSpeed{20'000, 1000}, NetworkSpeed{56'000, 2800}}) {
    EXPECT_EQ(costsOn(fast), kBuiltInCosts);
  }
}

TEST(NetworkSpeed, CountsInClassesOfNetworks) {
  const Costs slow = costsOn({1'000'000, 8000});
  EXPECT_EQ(slow, costsOn({500'000, 20'000}));
  EXPECT_EQ(slow.of[static_cast<size_t>(Algorithm::kRing)], (Costs::One{1'024'000, 6400}));
  EXPECT_EQ(slow.of[static_cast<size_t>(Algorithm::kRecursiveDoubling)], (Costs::One{1'280'000, 8000}));
  const auto parts = static_cast<size_t>(Algorithm::kParts);
  EXPECT_EQ(slow.of[parts], kBuiltInCosts.of[parts]);
}

TEST(NetworkSpeed, SlowMessagesMakeFewerStepsPayForMoreBytes) {
  EXPECT_LT(mostInFewSteps({20'000, 1000}), 64U << 10);
  EXPECT_GT(mostInFewSteps({1'000'000, 1000}), 1U << 20);
  EXPECT_LT(mostInFewSteps({1'000'000, 8000}), 1U << 20);
}

TEST(NetworkSpeed, NoSpeedIsTooLowForACost) {
  const Tuning slowest = tuningOn({uint64_t{1} << 62, uint64_t{1} << 62});
  for (const Costs::One& one : slowest.costs.of) EXPECT_GT(one.stepNanoseconds, 0U);
  EXPECT_EQ(choose(slowest, Medium::kLinks, 4, 4), Algorithm::kRecursiveDoubling);
}

TEST(NetworkSpeed, SlowMessagesMakeMoreDataTravelWithAnAgreement) {
  EXPECT_LT(travelBytesWorth(kBuiltInCosts, 4), 64U << 10);
  EXPECT_GT(travelBytesWorth(costsOn({1'000'000, 8000}), 4), 256U << 10);
}

void expectOneSpeed(const std::vector<std::vector<int>>& teams, uint64_t leastNanoseconds) {
  const int size = static_cast<int>(teams.size() * teams.front().size());
  MemoryNetwork network(size);
  network.disturbAll({.delay = milliseconds(2)});
  std::vector<std::unique_ptr<Mesh>> ranks;
  for (int rank = 0; rank < size; ++rank) ranks.push_back(network.join(rank));
  std::vector<NetworkSpeed> found(static_cast<size_t>(size));
  onRanks(size, [&](int rank) {
    for (const auto& team : teams) {
      const auto place = std::ranges::find(team, rank);
      if (place == team.end()) continue;
      const Team ours{team, static_cast<size_t>(place - team.begin())};
      const auto speed = measureNetwork(*ranks[static_cast<size_t>(rank)], ours, milliseconds(20'000));
      ASSERT_TRUE(isOk(speed));
      found[static_cast<size_t>(rank)] = speed.value();
    }
  });
  for (const NetworkSpeed& each : found) EXPECT_EQ(each, found.front());
  EXPECT_GE(found.front().messageNanoseconds, leastNanoseconds);
}

// A rank that comes late to a round has less of it to wait for, so a step may look shorter than it is; not on all
// ranks.
TEST(NetworkSpeed, AllRanksFindTheSame) {
  expectOneSpeed({{0, 1, 2, 3, 4}}, 500'000);
  expectOneSpeed({{0, 2, 4}, {1, 3, 5}}, 500'000);
}

TEST(NetworkSpeed, ARankThatIsGoneIsALostPeer) {
  MemoryNetwork network(2);
  network.join(0).reset();
  const auto one = network.join(1);
  EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"rank 0"},
                        measureNetwork(*one, Team::whole(1, 2), milliseconds(1000)).status()));
}

}  // namespace
}  // namespace tsring
