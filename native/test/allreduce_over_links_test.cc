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

constexpr milliseconds kStallLimit{20'000};

using Allreduce = Status (*)(Mesh&, const Team&, std::span<std::byte>, DType, ReduceOp, RingWorkspace&, milliseconds);

struct Named {
  const char* name;
  Allreduce run;
};
constexpr Named kPairwise[] = {{"RecursiveDoubling", recursiveDoublingAllreduce},
                               {"HalvingDoubling", halvingDoublingAllreduce}};
constexpr Named kAlgorithms[] = {kPairwise[0], kPairwise[1], {"Ring", ringAllreduce}};

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

class PairwiseFaults : public AllreduceOverLinks {
 protected:
  struct Result {
    Status status;
    Bytes data;
    milliseconds took;
  };
  /// With `faults` on the link `from` to `to`. A rank that fails drops its links, as a session does.
  std::vector<Result> runWith(const LinkFaults& faults, int from, int to, const std::vector<Bytes>& input,
                              milliseconds stallLimit) const {
    MemoryNetwork network(size(), 2048);
    network.disturbAll({.mostBytesPerCall = 1500});
    network.disturb(from, to, faults);
    Meshes ranks;
    for (int rank = 0; rank < size(); ++rank) ranks.push_back(network.join(rank));
    std::vector<Result> results(ranks.size());
    onRanks(size(), [&](int rank) {
      const auto at = static_cast<size_t>(rank);
      RingWorkspace workspace;
      const auto start = Clock::now();
      Bytes data = input[at];
      const Status status =
          std::get<0>(GetParam())
              .run(*ranks[at], Team::whole(rank, size()), data, DType::kFloat32, ReduceOp::kSum, workspace, stallLimit);
      if (!status.ok()) ranks[at].reset();
      results[at] = {status, std::move(data), since(start)};
    });
    return results;
  }
};

// Wherever a link breaks: every rank ends soon, and has the right sum or a failure.
TEST_P(PairwiseFaults, ACutIsALostPeerAndNeverAWrongSum) {
  const auto input = smallElementsByRank(size(), DType::kFloat32, 1001);
  const Bytes expected = combineAll(DType::kFloat32, ReduceOp::kSum, input);
  // With 3 and 5 ranks: 0 hands in to 1. With all: 1 and 2 or 3 are seats that pair up.
  const std::pair<int, int> links[] = {{0, 1}, {1, 0}, {1, size() == 2 ? 0 : 2}};
  for (const auto& [from, to] : links) {
    for (size_t cut = 0; cut < 4004; cut += 311) {
      int failures = 0;
      for (const Result& result : runWith({.cutAfter = cut}, from, to, input, kStallLimit)) {
        ASSERT_LT(result.took, kStallLimit / 2);
        failures += !result.status.ok();
        if (result.status.ok()) {
          ASSERT_TRUE(result.data == expected);
        } else {
          ASSERT_TRUE(failsWith(StatusCode::kPeerLost, {"rank "}, result.status));
        }
      }
      ASSERT_TRUE(failures > 0 || from != 0 || cut > 2000) << "cut after " << cut;
    }
  }
}

TEST_P(PairwiseFaults, AStallIsATimeoutThatNamesBothEnds) {
  const auto input = smallElementsByRank(size(), DType::kFloat32, 1001);
  const Bytes expected = combineAll(DType::kFloat32, ReduceOp::kSum, input);
  for (const size_t stall : {size_t{0}, size_t{1}, size_t{1500}}) {
    int timeouts = 0;
    for (const Result& result : runWith({.stallAfter = stall}, 0, 1, input, milliseconds(60))) {
      ASSERT_LT(result.took, milliseconds(10'000));
      if (result.status.ok()) {
        ASSERT_TRUE(result.data == expected);
      } else if (result.status.code() == StatusCode::kTimeout) {
        ASSERT_TRUE(failsWith(StatusCode::kTimeout, {"between rank ", "60 ms"}, result.status));
        ++timeouts;
      } else {
        ASSERT_TRUE(failsWith(StatusCode::kPeerLost, {"rank "}, result.status));
      }
    }
    ASSERT_GE(timeouts, 1);
  }
}
INSTANTIATE_TEST_SUITE_P(Of, PairwiseFaults, testing::Combine(testing::ValuesIn(kPairwise), testing::Values(2, 3, 5)),
                         nameOfCase);

}  // namespace
}  // namespace tsring
