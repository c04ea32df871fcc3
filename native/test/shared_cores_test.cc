#include "collective/shared_cores.h"

#include <optional>
#include <vector>

#include "test/helpers/processors.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"
#include "transport/memory/memory_network.h"

namespace tsring {
namespace {

TEST(SharedCores, NeighboursShareThemEvenlyOrNotAtAll) {
  using Processors = std::vector<uint16_t>;
  EXPECT_EQ(evenShare(Processors{5, 5, 2, 2}), 2U);
  EXPECT_EQ(evenShare(Processors{1, 1, 1, 2, 2, 2, 4, 4, 4}), 3U);
  EXPECT_EQ(evenShare(Processors{1, 2}), 1U);
  EXPECT_EQ(evenShare(Processors{1, 2, 1, 2}), 1U);  // not neighbours
  EXPECT_EQ(evenShare(Processors{1, 1, 2}), 1U);     // not evenly
  EXPECT_EQ(evenShare(Processors{1, 1, 2, 3}), 1U);
  EXPECT_EQ(evenShare(Processors{1, 1, 2, 2, 1, 1}), 1U);
  EXPECT_EQ(evenShare(Processors{1, 1}), 1U);        // one core
  EXPECT_EQ(evenShare(Processors{0, 0, 0, 0}), 1U);  // anywhere
  EXPECT_EQ(evenShare(Processors{1, 1, 0, 0}), 1U);
}

#ifdef __linux__

/// What ranks find, by rank, that may each run on the processors that `processorsOf` says, by their places among those
/// that we may use.
template <typename ProcessorsOf>
std::vector<SharedCores> found(int ranks, ProcessorsOf processorsOf) {
  const auto processors = processorsOfThisThread();
  std::vector<SharedCores> byRank(static_cast<size_t>(ranks));
  MemoryNetwork network(ranks);
  std::vector<std::unique_ptr<Mesh>> meshes;
  for (int rank = 0; rank < ranks; ++rank) meshes.push_back(network.join(rank));
  onRanks(ranks, [&](int rank) {  // threads of their own: the processors of this one stay
    std::vector<int> own;
    for (const size_t place : processorsOf(rank)) own.push_back(processors[place]);
    keepOn(own);
    const auto shared = coresThatRanksShare(*meshes[static_cast<size_t>(rank)], milliseconds(20'000));
    ASSERT_TRUE(isOk(shared));
    byRank[static_cast<size_t>(rank)] = shared.value();
  });
  return byRank;
}

TEST(SharedCores, RanksOnOneProcessorShareIt) {
  const auto home = processorsOfThisThread().front();
  for (const SharedCores& shared : found(3, [](int /*rank*/) { return std::vector<size_t>{0}; })) {
    EXPECT_EQ(shared.count, 1U);
    EXPECT_EQ(shared.home, home);
  }
}

TEST(SharedCores, RanksWithAProcessorEachDoNot) {
  if (processorsOfThisThread().size() < 2) GTEST_SKIP() << "needs two processors";
  for (const SharedCores& shared : found(2, [](int rank) { return std::vector{static_cast<size_t>(rank)}; })) {
    EXPECT_EQ(shared.count, 0U);
    EXPECT_EQ(shared.home, std::nullopt);
  }
}

TEST(SharedCores, RanksThatMayRunOnAllHaveHomesWithTheirNeighbours) {
  const auto processors = processorsOfThisThread();
  if (processors.size() < 2) GTEST_SKIP() << "needs two processors";
  const auto byRank = found(5, [](int /*rank*/) { return std::vector<size_t>{0, 1}; });
  for (size_t rank = 0; rank < 5; ++rank) {
    EXPECT_EQ(byRank[rank].count, 2U);
    EXPECT_EQ(byRank[rank].home, processors[rank < 3 ? 0 : 1]) << "rank " << rank;
  }
}

TEST(SharedCores, RanksThatAreKeptOnSomeHaveNoHomes) {
  if (processorsOfThisThread().size() < 2) GTEST_SKIP() << "needs two processors";
  for (const SharedCores& shared : found(3, [](int rank) { return std::vector<size_t>{rank < 2 ? 0U : 1U}; })) {
    EXPECT_EQ(shared.count, 2U);
    EXPECT_EQ(shared.home, std::nullopt);
  }
}

#endif

/// How ranks are seated, and whether each finds itself there.
std::vector<int> seated(int ranks, size_t cores) {
  std::vector<int> order;
  for (int rank = 0; rank < ranks; ++rank) {
    const Team team = seatedAcrossCores(Team::whole(rank, ranks), cores);
    EXPECT_EQ(team.ranks.at(team.index), rank);
    if (rank == 0) order = team.ranks;
    EXPECT_EQ(team.ranks, order);
  }
  return order;
}

TEST(SharedCores, WhoHandsInDoesSoToAnotherCoreWhereEachHasASeat) {
  EXPECT_EQ(seated(3, 2), (std::vector{0, 2, 1}));
  EXPECT_EQ(seated(5, 4), (std::vector{0, 2, 3, 4, 1}));
  EXPECT_EQ(seated(7, 4), (std::vector{0, 3, 2, 5, 4, 6, 1}));
}

TEST(SharedCores, OtherwiseRanksAreSeatedInTheirOrder) {
  EXPECT_EQ(seated(2, 2), (std::vector{0, 1}));
  EXPECT_EQ(seated(3, 1), (std::vector{0, 1, 2}));
  EXPECT_EQ(seated(5, 2), (std::vector{0, 1, 2, 3, 4}));
  EXPECT_EQ(seated(4, 3), (std::vector{0, 1, 2, 3}));
}

TEST(SharedCores, ARankThatIsGoneIsALostPeer) {
  MemoryNetwork network(2);
  network.join(0).reset();
  const auto one = network.join(1);
  EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"rank 0"}, coresThatRanksShare(*one, milliseconds(1000)).status()));
}

}  // namespace
}  // namespace tsring
