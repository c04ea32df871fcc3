#include <optional>

#include "collective/halving_doubling.h"
#include "collective/recursive_doubling.h"
#include "collective/ring_collectives.h"
#include "test/helpers/meshes.h"
#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"

// The allreduces over links, each tried with every number of ranks.

namespace tsring {
namespace {

using Allreduce = Status (*)(Mesh&, const Team&, std::span<std::byte>, DType, ReduceOp, RingWorkspace&, milliseconds);

struct Named {
  const char* name;
  Allreduce run;
};
constexpr Named kAlgorithms[] = {{"RecursiveDoubling", recursiveDoublingAllreduce},
                                 {"HalvingDoubling", halvingDoublingAllreduce},
                                 {"Ring", ringAllreduce}};

/// Floats whose sum depends on the order.
std::vector<Bytes> floatsByRank(int size, size_t count) {
  std::vector<Bytes> byRank;
  for (int rank = 0; rank < size; ++rank) {
    std::mt19937 random(static_cast<unsigned>(rank));
    std::normal_distribution<float> normal(0, 1);
    std::vector<float> values(count);
    for (float& value : values) value = normal(random);
    const auto bytes = std::as_bytes(std::span(values));
    byRank.emplace_back(bytes.begin(), bytes.end());
  }
  return byRank;
}

class AllreduceOverLinks : public testing::TestWithParam<std::tuple<Named, int>> {
 protected:
  int size() const { return std::get<1>(GetParam()); }
  bool isRing() const { return std::get<0>(GetParam()).run == ringAllreduce; }

  /// Runs on every rank, in place in `byRank`.
  void allreduce(const Meshes& ranks, std::vector<Bytes>& byRank, DType dtype, ReduceOp op) const {
    const int size = static_cast<int>(ranks.size());
    const Allreduce run = std::get<0>(GetParam()).run;
    onRanks(size, [&](int rank) {
      RingWorkspace workspace;
      const auto at = static_cast<size_t>(rank);
      EXPECT_TRUE(isOk(run(*ranks[at], Team::whole(rank, size), byRank[at], dtype, op, workspace, kStallLimit)));
    });
  }
  void expectRight(const Meshes& ranks, DType dtype, ReduceOp op, size_t count) const {
    auto byRank = smallElementsByRank(size(), dtype, count);
    const Bytes expected = combineAll(dtype, op, byRank);
    allreduce(ranks, byRank, dtype, op);
    for (const Bytes& result : byRank) {
      ASSERT_TRUE(result == expected) << nameOf(dtype, op) << ", " << count << " elements, " << size() << " ranks";
    }
  }
};

TEST_P(AllreduceOverLinks, IsRightForEverySizeWhateverTheLinksDoToTheStream) {
  for (const size_t shortest : {size_t{7}, size_t{1000}, LinkFaults::kNever}) {
    const Meshes ranks = memoryMeshes(size(), {.mostBytesPerCall = shortest});
    for (const size_t count : {0, 1, 2, 3, 7, 8, 9, 31, 257, 1009}) {
      expectRight(ranks, DType::kFloat32, ReduceOp::kSum, count);
    }
  }
}

TEST_P(AllreduceOverLinks, KnowsEveryTypeAndOperation) {
  const Meshes ranks = memoryMeshes(size(), {.mostBytesPerCall = 500});
  for (const DType dtype : kAllDTypes) {
    for (const ReduceOp op : kAllOps) {
      if (isDefined(dtype, op)) expectRight(ranks, dtype, op, 101);
    }
  }
}

TEST_P(AllreduceOverLinks, LeavesTheSameBitsOnEveryRankAndInEveryRun) {
  const auto input = floatsByRank(size(), 1009);
  for (const ReduceOp op : {ReduceOp::kAverage, ReduceOp::kProduct}) {
    std::optional<Bytes> first;
    for (const size_t shortest : {LinkFaults::kNever, size_t{11}, size_t{300}}) {
      auto byRank = input;
      allreduce(memoryMeshes(size(), {.mostBytesPerCall = shortest}), byRank, DType::kFloat32, op);
      if (!first) first = byRank.front();
      for (const Bytes& result : byRank) ASSERT_TRUE(result == *first);
    }
  }
}

TEST_P(AllreduceOverLinks, IsRightWhereLinksAreSlow) {
  expectRight(memoryMeshes(size(), {.mostBytesPerCall = 2000, .delay = milliseconds(1)}), DType::kFloat64,
              ReduceOp::kSum, 1001);
}

// More bytes than a link holds and than are read ahead: what is combined must wait for what is sent.
TEST_P(AllreduceOverLinks, MovesMoreThanLinksAndBuffersHold) {
  expectRight(memoryMeshes(size()), DType::kFloat64, ReduceOp::kSum, 40'009);
}

std::string nameOfCase(const testing::TestParamInfo<std::tuple<Named, int>>& info) {
  return std::string(std::get<0>(info.param).name) + "On" + std::to_string(std::get<1>(info.param));
}
INSTANTIATE_TEST_SUITE_P(Of, AllreduceOverLinks,
                         testing::Combine(testing::ValuesIn(kAlgorithms), testing::Range(1, 10)), nameOfCase);

class AllreduceOverTcp : public AllreduceOverLinks {};

TEST_P(AllreduceOverTcp, IsRightWithMoreBytesThanSocketsHold) {
  const Meshes ranks = tcpMeshes(size());
  for (const size_t count : {size_t{1}, size_t{1'500'007}}) {
    expectRight(ranks, DType::kFloat32, ReduceOp::kSum, count);
  }
}
INSTANTIATE_TEST_SUITE_P(Of, AllreduceOverTcp, testing::Combine(testing::ValuesIn(kAlgorithms), testing::Values(2, 3)),
                         nameOfCase);

class AllreduceFaults : public AllreduceOverLinks {
 protected:
  struct Ends {
    int failures = 0;
    int timeouts = 0;  // among them
  };
  /// Of a sum with `faults` on the link `from` to `to`. Every rank ends soon, and has the right sum, a lost peer or a
  /// timeout that names it and the limit. A rank that fails drops its links, as a session does.
  void runWith(const LinkFaults& faults, int from, int to, milliseconds stallLimit, Ends& ends) const {
    MemoryNetwork network(size(), 2048);
    network.disturbAll({.mostBytesPerCall = 1500});
    network.disturb(from, to, faults);
    Meshes ranks;
    for (int rank = 0; rank < size(); ++rank) ranks.push_back(network.join(rank));
    std::vector<Status> statuses(ranks.size());
    auto byRank = smallElementsByRank(size(), DType::kFloat32, kBytes / sizeof(float));
    const Bytes expected = combineAll(DType::kFloat32, ReduceOp::kSum, byRank);
    onRanks(size(), [&](int rank) {
      const auto at = static_cast<size_t>(rank);
      RingWorkspace workspace;
      const auto start = Clock::now();
      statuses[at] = std::get<0>(GetParam())
                         .run(*ranks[at], Team::whole(rank, size()), byRank[at], DType::kFloat32, ReduceOp::kSum,
                              workspace, stallLimit);
      if (!statuses[at].ok()) ranks[at].reset();
      EXPECT_LT(since(start), kStallLimit / 2);
    });
    for (size_t rank = 0; rank < statuses.size(); ++rank) {
      const Status& status = statuses[rank];
      const bool timedOut = status.code() == StatusCode::kTimeout;
      ends.failures += !status.ok();
      ends.timeouts += timedOut;
      if (status.ok()) {
        ASSERT_TRUE(byRank[rank] == expected);
      } else if (timedOut) {
        const std::string limit = std::to_string(stallLimit.count()) + " ms";
        ASSERT_TRUE(failsWith(StatusCode::kTimeout, {"between rank " + std::to_string(rank), limit}, status));
      } else {
        ASSERT_TRUE(failsWith(StatusCode::kPeerLost, {"rank "}, status));
      }
    }
  }
  static constexpr size_t kBytes = 4004;
};

TEST_P(AllreduceFaults, ACutIsALostPeerAndNeverAWrongSum) {
  // With 3 and 5 ranks: pairwise 0 hands in to 1, and 1 and 2 are seats that pair up; a ring has no link from 1 to 0.
  const std::pair<int, int> links[] = {{0, 1}, {1, 0}, {1, size() == 2 ? 0 : 2}};
  // As much as a ring sends over a link.
  const size_t stream = 2 * (static_cast<size_t>(size()) - 1) * kBytes / static_cast<size_t>(size());
  for (const auto& [from, to] : links) {
    for (size_t cut = 0; cut < stream; cut += 397) {
      Ends ends;
      ASSERT_NO_FATAL_FAILURE(runWith({.cutAfter = cut}, from, to, kStallLimit, ends));
      ASSERT_EQ(ends.timeouts, 0);
      const bool isCarried = from == 0 && (isRing() || cut <= 2000);
      ASSERT_TRUE(ends.failures > 0 || !isCarried) << "cut after " << cut;
    }
  }
}

TEST_P(AllreduceFaults, AStallIsATimeoutThatNamesBothEnds) {
  for (const size_t stall : {size_t{0}, size_t{1}, size_t{1500}}) {
    Ends ends;
    ASSERT_NO_FATAL_FAILURE(runWith({.stallAfter = stall}, 0, 1, milliseconds(60), ends));
    ASSERT_GE(ends.timeouts, 1);
  }
}
INSTANTIATE_TEST_SUITE_P(Of, AllreduceFaults,
                         testing::Combine(testing::ValuesIn(kAlgorithms), testing::Values(2, 3, 5)), nameOfCase);

}  // namespace
}  // namespace tsring
