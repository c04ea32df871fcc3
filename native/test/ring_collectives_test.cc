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

constexpr milliseconds kStallLimit{20'000};

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

struct FaultResult {
  Status status;
  Bytes data;
  milliseconds took;
};

/// An allreduce of `count` floats over `size` ranks whose link from 0 to 1 has `faults`. A rank that fails drops its
/// links, as a session does.
std::vector<FaultResult> allreduceWithFault(int size, const std::vector<Bytes>& input, const LinkFaults& faults,
                                            milliseconds stallLimit) {
  MemoryNetwork network(size, 2048);
  network.disturbAll({.mostBytesPerCall = 1500});
  network.disturb(0, 1 % size, faults);
  Meshes ranks;
  for (int rank = 0; rank < size; ++rank) ranks.push_back(network.join(rank));
  std::vector<FaultResult> results(static_cast<size_t>(size));
  onRanks(size, [&](int rank) {
    const auto at = static_cast<size_t>(rank);
    RingWorkspace workspace;
    const auto start = Clock::now();
    Bytes data = input[at];
    Status status = ringAllreduce(*ranks[at], Team::whole(rank, size), data, DType::kFloat32, ReduceOp::kSum, workspace,
                                  stallLimit);
    if (!status.ok()) ranks[at].reset();
    results[at] = {status, std::move(data), since(start)};
  });
  return results;
}

// After each byte that the link carries: every rank ends soon, and has the right sum or a failure.
TEST(RingFaults, ACutAnywhereIsALostPeerAndNeverAWrongSum) {
  for (const int size : {2, 3, 5}) {
    const auto input = smallElementsByRank(size, DType::kFloat32, 1001);
    const Bytes expected = combineAll(DType::kFloat32, ReduceOp::kSum, input);
    const size_t stream = 2 * (static_cast<size_t>(size) - 1) * 4004 / static_cast<size_t>(size);
    for (size_t cut = 0; cut < stream; cut += 97) {
      int failures = 0;
      for (const FaultResult& result : allreduceWithFault(size, input, {.cutAfter = cut}, kStallLimit)) {
        ASSERT_LT(result.took, kStallLimit / 2);
        failures += !result.status.ok();
        if (result.status.ok()) {
          ASSERT_TRUE(result.data == expected);
        } else {
          ASSERT_TRUE(failsWith(StatusCode::kPeerLost, {"rank "}, result.status));
        }
      }
      ASSERT_GE(failures, 1) << "cut after " << cut << " of " << stream;
    }
  }
}

TEST(RingFaults, AStallIsATimeoutThatNamesTheNeighbours) {
  const auto input = smallElementsByRank(3, DType::kFloat32, 1001);
  const Bytes expected = combineAll(DType::kFloat32, ReduceOp::kSum, input);
  for (const size_t stall : {size_t{0}, size_t{1}, size_t{2000}, size_t{5000}}) {
    int timeouts = 0;
    const auto results = allreduceWithFault(3, input, {.stallAfter = stall}, milliseconds(60));
    for (size_t rank = 0; rank < results.size(); ++rank) {
      const FaultResult& result = results[rank];
      ASSERT_LT(result.took, milliseconds(10'000));
      if (result.status.ok()) {
        ASSERT_TRUE(result.data == expected);
      } else if (result.status.code() == StatusCode::kTimeout) {
        ASSERT_TRUE(failsWith(StatusCode::kTimeout, {"rank " + std::to_string(rank), "60 ms"}, result.status));
        ++timeouts;
      } else {
        ASSERT_TRUE(failsWith(StatusCode::kPeerLost, {"rank "}, result.status));
      }
    }
    ASSERT_GE(timeouts, 1);
  }
}

TEST(RingFaults, AnInterruptEndsARankThatWaits) {
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
