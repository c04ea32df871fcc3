#include "collective/alltoall.h"

#include <random>

#include "test/helpers/elements.h"
#include "test/helpers/host_groups.h"
#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"

// What each rank gives to each is random bytes that tell the two.

namespace tsring {
namespace {

PairSizes randomSizes(size_t ranks, unsigned seed) {
  std::mt19937 random(seed);
  PairSizes sizes(ranks);
  for (size_t from = 0; from < ranks; ++from) {
    for (size_t to = 0; to < ranks; ++to) sizes.of(from, to) = random() % 3 ? random() % 5000 : 0;
  }
  return sizes;
}

Bytes block(const PairSizes& sizes, size_t from, size_t to) {
  return randomBytes(sizes.of(from, to), static_cast<unsigned>(100 * from + to));
}

/// Runs `move` on every rank and looks at what came.
template <typename Move>
void expectRightBlocks(const PairSizes& sizes, Move move) {
  onRanks(static_cast<int>(sizes.ranks()), [&](int rank) {
    const auto own = static_cast<size_t>(rank);
    Bytes from;
    Bytes expected;
    for (size_t other = 0; other < sizes.ranks(); ++other) {
      const Bytes given = block(sizes, own, other);
      const Bytes taken = block(sizes, other, own);
      from.insert(from.end(), given.begin(), given.end());
      expected.insert(expected.end(), taken.begin(), taken.end());
    }
    Bytes into(expected.size());
    ASSERT_TRUE(isOk(move(own, PairBlocks(own, from, into, sizes))));
    EXPECT_TRUE(into == expected) << sizes.ranks() << " ranks";
  });
}

class AlltoallOf : public testing::TestWithParam<int> {
 protected:
  size_t size() const { return static_cast<size_t>(GetParam()); }
};

TEST_P(AlltoallOf, OverLinksBringsEveryBlock) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    MemoryNetwork network(GetParam(), 4096);
    network.disturbAll({.mostBytesPerCall = 700});
    std::vector<std::unique_ptr<Mesh>> meshes;
    for (int rank = 0; rank < GetParam(); ++rank) meshes.push_back(network.join(rank));
    expectRightBlocks(randomSizes(size(), seed), [&](size_t own, const PairBlocks& blocks) {
      RingWorkspace workspace;
      const Team team = Team::whole(static_cast<int>(own), GetParam());
      return pairwiseAlltoall(*meshes[own], team, blocks, workspace, kStallLimit);
    });
  }
}

TEST_P(AlltoallOf, ThroughMemoryBringsEveryBlock) {
  if (GetParam() == 1) return;  // shares memory with nobody
  const auto groups = hostGroups(GetParam(), kSmallSlots);
  for (unsigned seed = 0; seed < 5; ++seed) {
    const PairSizes sizes = randomSizes(size(), seed);
    expectRightBlocks(sizes, [&](size_t own, const PairBlocks& blocks) {
      return hostAlltoall(*groups[own], blocks, sizes.longest(), kStallLimit);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, AlltoallOf, testing::Values(1, 2, 3, 4, 5, 6));

TEST(Alltoall, ARankThatDoesNotComeIsATimeout) {
  MemoryNetwork network(3, 4096);
  std::vector<std::unique_ptr<Mesh>> meshes;
  for (int rank = 0; rank < 3; ++rank) meshes.push_back(network.join(rank));
  const PairSizes sizes = randomSizes(3, 2);
  onRanks(2, [&](int rank) {
    const auto own = static_cast<size_t>(rank);
    PairBlocks blocks;
    Bytes bytes(9000);
    blocks.give.assign(3, bytes);
    blocks.take.assign(3, bytes);
    RingWorkspace workspace;
    const Status s = pairwiseAlltoall(*meshes[own], Team::whole(rank, 3), blocks, workspace, milliseconds(40));
    EXPECT_EQ(s.code(), StatusCode::kTimeout);
  });
}

}  // namespace
}  // namespace tsring
