#include "collective/ring_collectives.h"

#include <algorithm>
#include <future>
#include <numeric>

#include "test/helpers/elements.h"
#include "test/helpers/meshes.h"
#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"

namespace tsring {
namespace {

class RingOf : public testing::TestWithParam<int> {};

TEST_P(RingOf, GathersBlocksOfAnyLengths) {
  const int size = GetParam();
  for (unsigned seed = 0; seed < 4; ++seed) {
    const Meshes ranks = memoryMeshes(size, {.mostBytesPerCall = 700});
    std::mt19937 random(seed);
    std::vector<Bytes> blocks;
    for (int rank = 0; rank < size; ++rank) {
      blocks.push_back(randomBytes(random() % 3 ? random() % 3000 : 0, random()));
    }
    onRanks(size, [&](int rank) {
      const auto at = static_cast<size_t>(rank);
      std::vector<Bytes> mine;
      for (const Bytes& block : blocks) mine.emplace_back(block.size());
      mine[at] = blocks[at];
      const std::vector<std::span<std::byte>> spans(mine.begin(), mine.end());
      RingWorkspace workspace;
      ASSERT_TRUE(isOk(ringAllgather(*ranks[at], Team::whole(rank, size), spans, workspace, kStallLimit)));
      EXPECT_TRUE(mine == blocks);
    });
  }
}

TEST_P(RingOf, ReducesAndScattersBlocksOfAnyLengths) {
  const int size = GetParam();
  std::mt19937 random(7);
  for (const DType dtype : kAllDTypes) {
    for (const ReduceOp op : kAllOps) {
      if (!isDefined(dtype, op)) continue;
      const Meshes ranks = memoryMeshes(size, {.mostBytesPerCall = 700});
      std::vector<size_t> lengths;
      for (int rank = 0; rank < size; ++rank)
        lengths.push_back(random() % 4 ? elementSize(dtype) * (random() % 400) : 0);
      const size_t count = std::accumulate(lengths.begin(), lengths.end(), size_t{0}) / elementSize(dtype);
      auto byRank = smallElementsByRank(size, dtype, count);
      const Bytes expected = combineAll(dtype, op, byRank);
      onRanks(size, [&](int rank) {
        const auto at = static_cast<size_t>(rank);
        const auto blocks = laidOut(byRank[at], lengths);
        RingWorkspace workspace;
        const Reduction reduction{dtype, op, size};
        ASSERT_TRUE(
            isOk(ringReducescatter(*ranks[at], Team::whole(rank, size), blocks, reduction, workspace, kStallLimit)));
        const auto begin = static_cast<size_t>(blocks[at].data() - byRank[at].data());
        EXPECT_TRUE(std::ranges::equal(blocks[at], std::span(expected).subspan(begin, blocks[at].size())))
            << nameOf(dtype, op);
      });
    }
  }
}

TEST_P(RingOf, BroadcastsFromEveryRoot) {
  const int size = GetParam();
  const Meshes ranks = memoryMeshes(size, {.mostBytesPerCall = 900});
  for (int root = 0; root < size; ++root) {
    for (const size_t count : {0, 1, 5003}) {
      const Bytes sent = randomBytes(count, static_cast<unsigned>(root));
      onRanks(size, [&](int rank) {
        Bytes bytes = rank == root ? sent : Bytes(count);
        RingWorkspace workspace;
        ASSERT_TRUE(isOk(chainBroadcast(*ranks[static_cast<size_t>(rank)], Team::whole(rank, size), bytes,
                                        static_cast<size_t>(root), workspace, kStallLimit)));
        EXPECT_TRUE(bytes == sent);
      });
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, RingOf, testing::Range(1, 10));

TEST(Ring, OneWorkspaceServesOneOperationAfterTheOther) {
  const Meshes ranks = memoryMeshes(3, {.mostBytesPerCall = 300});
  onRanks(3, [&](int rank) {
    RingWorkspace workspace;
    const auto team = Team::whole(rank, 3);
    for (int i = 0; i < 20; ++i) {
      Bytes ones = ByteWriter().put(1).put(2).put(3).put(4).take();
      EXPECT_TRUE(isOk(ringAllreduce(*ranks[static_cast<size_t>(rank)], team, ones, DType::kInt32, ReduceOp::kSum,
                                     workspace, kStallLimit)));
      EXPECT_EQ(ones, ByteWriter().put(3).put(6).put(9).put(12).take());
    }
  });
}

TEST(Ring, AnInterruptEndsARankThatWaits) {
  const Meshes ranks = memoryMeshes(2);
  auto running = std::async(std::launch::async, [&] {
    RingWorkspace workspace;
    Bytes bytes(1 << 16);
    return ringAllreduce(*ranks[0], Team::whole(0, 2), bytes, DType::kUint8, ReduceOp::kSum, workspace, kStallLimit);
  });
  ranks[0]->interrupt();
  EXPECT_EQ(running.get().code(), StatusCode::kShutDown);
}

}  // namespace
}  // namespace tsring
