#include "engine/negotiator.h"

#include <algorithm>
#include <random>

#include "test/helpers/status_checks.h"

namespace tsring {
namespace {

using std::chrono::seconds;

Request allreduceOf(std::string name, Shape shape = {4}) {
  return {{OperationKind::kAllreduce, std::move(name), DType::kFloat32, ReduceOp::kSum, 0}, {std::move(shape)}};
}

TEST(Negotiator, JudgesEachNameWhenItsLastRankHasAskedWhateverTheOrder) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    const int size = static_cast<int>(random() % 8) + 1;
    std::vector<std::pair<int, std::string>> arrivals;
    for (int rank = 0; rank < size; ++rank) {
      for (const char* name : {"a", "b", "c", "d", "e"}) arrivals.emplace_back(rank, name);
    }
    std::ranges::shuffle(arrivals, random);

    Negotiator negotiator(size);
    std::map<std::string, int> asked;
    for (const auto& [rank, name] : arrivals) {
      const auto verdict = negotiator.add(rank, allreduceOf(name), Clock::now());
      ASSERT_EQ(verdict.has_value(), ++asked[name] == size);
      if (!verdict) continue;
      EXPECT_EQ(verdict->name, name);
      EXPECT_TRUE(isOk(verdict->status));
      EXPECT_TRUE(verdict->shapes.empty());
    }
    EXPECT_TRUE(negotiator.empty());
  }
}

TEST(Negotiator, ANameMayBeUsedAgainOnceItIsJudged) {
  Negotiator negotiator(2);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(negotiator.add(i % 2, allreduceOf("x"), Clock::now()));
    EXPECT_TRUE(negotiator.add(1 - i % 2, allreduceOf("x"), Clock::now()));
  }
}

TEST(Negotiator, TensorsOnGpusThatMayGoByHostGoWithThoseThere) {
  using enum MemoryKind;
  const auto verdictOn = [](const std::vector<MemoryKind>& memories) {
    Negotiator negotiator(static_cast<int>(memories.size()));
    std::optional<Verdict> verdict;
    for (size_t rank = 0; rank < memories.size(); ++rank) {
      Request request = allreduceOf("x");
      request.header.memory = memories[rank];
      verdict = negotiator.add(static_cast<int>(rank), request, Clock::now());
    }
    return *verdict;
  };
  const auto hostRankOf = [&](const std::vector<MemoryKind>& memories) {
    const Verdict verdict = verdictOn(memories);
    EXPECT_TRUE(isOk(verdict.status));
    return verdict.hostRank;
  };
  EXPECT_EQ(hostRankOf({kHost, kHost, kHost}), -1);
  EXPECT_EQ(hostRankOf({kCudaOrHost, kCudaOrHost, kCudaOrHost}), -1);
  EXPECT_EQ(hostRankOf({kHost, kCudaOrHost, kCudaOrHost}), 0);
  EXPECT_EQ(hostRankOf({kCudaOrHost, kCudaOrHost, kHost}), 2);
  EXPECT_EQ(hostRankOf({kCudaOrHost, kHost, kHost}), 1);
  for (const auto& memories :
       {std::vector{kCudaOrHost, kHost, kCuda}, std::vector{kCuda, kCudaOrHost}, std::vector{kHost, kCuda}}) {
    EXPECT_TRUE(failsWith(StatusCode::kMismatch, {"memory"}, verdictOn(memories).status));
  }
}

TEST(Negotiator, ARankThatHasJoinedStandsInInMainMemoryWhereOneIsThere) {
  for (const MemoryKind memory : {MemoryKind::kHost, MemoryKind::kCudaOrHost}) {
    Negotiator negotiator(3);
    negotiator.join(2, {{OperationKind::kJoin, "join"}, {}}, Clock::now());
    Request request = allreduceOf("x");
    request.header.memory = MemoryKind::kCudaOrHost;
    EXPECT_FALSE(negotiator.add(0, request, Clock::now()));
    request.header.memory = memory;
    const auto verdict = negotiator.add(1, request, Clock::now());
    ASSERT_TRUE(verdict && verdict->request);
    EXPECT_EQ(verdict->request->header.memory, memory);
  }
}

TEST(Negotiator, TellsEveryRankTheShapesOfAGather) {
  Negotiator negotiator(3);
  Request request{{OperationKind::kAllgather, "rows", DType::kInt32, ReduceOp::kSum, 0}, {}};
  std::optional<Verdict> verdict;
  for (const int rank : {2, 0, 1}) {
    request.shapes = {{rank * 10, 3}, {}};
    verdict = negotiator.add(rank, request, Clock::now());
  }
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(isOk(verdict->status));
  EXPECT_EQ(verdict->shapes, (std::vector<std::vector<Shape>>{{{0, 3}, {}}, {{10, 3}, {}}, {{20, 3}, {}}}));
}

struct Mismatch {
  std::string name;
  Request ofRank0;
  Request ofRank2;
  std::vector<std::string> told;
};

Request with(OperationKind kind, DType dtype, ReduceOp op, int32_t root, std::vector<Shape> shapes) {
  return {{kind, "dense/kernel", dtype, op, root}, std::move(shapes)};
}

class NegotiatorMismatch : public testing::TestWithParam<Mismatch> {};

TEST_P(NegotiatorMismatch, NamesTheTensorBothRanksAndWhatEachGave) {
  for (const auto& order : {std::vector{0, 1, 2}, std::vector{2, 1, 0}, std::vector{1, 2, 0}}) {
    Negotiator negotiator(3);
    std::optional<Verdict> verdict;
    for (const int rank : order) {
      verdict = negotiator.add(rank, rank == 2 ? GetParam().ofRank2 : GetParam().ofRank0, Clock::now());
    }
    ASSERT_TRUE(verdict);
    EXPECT_TRUE(failsWith(StatusCode::kMismatch, {"\"dense/kernel\"", "rank 0", "rank 2"}, verdict->status));
    for (const auto& part : GetParam().told) EXPECT_TRUE(failsWith(StatusCode::kMismatch, {part}, verdict->status));
    EXPECT_TRUE(verdict->shapes.empty());
    EXPECT_TRUE(negotiator.empty());
  }
}

using enum OperationKind;
using enum DType;
using enum ReduceOp;

INSTANTIATE_TEST_SUITE_P(Of, NegotiatorMismatch,
                         testing::Values(Mismatch{"Kind",
                                                  with(kAllreduce, kFloat32, kSum, 0, {{4}}),
                                                  with(kBroadcast, kFloat32, kSum, 0, {{4}}),
                                                  {"broadcast", "allreduce"}},
                                         Mismatch{"Dtype",
                                                  with(kAllreduce, kFloat32, kSum, 0, {{4}}),
                                                  with(kAllreduce, kInt32, kSum, 0, {{4}}),
                                                  {"dtype int32", "float32"}},
                                         Mismatch{"Op",
                                                  with(kAllreduce, kFloat32, kSum, 0, {{4}}),
                                                  with(kAllreduce, kFloat32, kMax, 0, {{4}}),
                                                  {"op max", "sum"}},
                                         Mismatch{"Root",
                                                  with(kBroadcast, kFloat32, kSum, 0, {{4}}),
                                                  with(kBroadcast, kFloat32, kSum, 1, {{4}}),
                                                  {"root rank 1", "gave 0"}},
                                         Mismatch{"Shape",
                                                  with(kAllreduce, kFloat32, kSum, 0, {{4, 2}}),
                                                  with(kAllreduce, kFloat32, kSum, 0, {{2, 4}}),
                                                  {"[2,4]", "[4,2]"}},
                                         Mismatch{"GroupSize",
                                                  with(kAllreduce, kFloat32, kSum, 0, {{4}, {4}}),
                                                  with(kAllreduce, kFloat32, kSum, 0, {{4}}),
                                                  {"1 tensors", "gave 2"}},
                                         Mismatch{"ShapeInAGroup",
                                                  with(kAllreduce, kFloat32, kSum, 0, {{4}, {5}}),
                                                  with(kAllreduce, kFloat32, kSum, 0, {{4}, {6}}),
                                                  {"number 1", "[6]", "[5]"}},
                                         Mismatch{"LaterDimensionOfAGather",
                                                  with(kAllgather, kFloat32, kSum, 0, {{1, 4}}),
                                                  with(kAllgather, kFloat32, kSum, 0, {{2, 5}}),
                                                  {"[2,5]", "[1,4]"}},
                                         Mismatch{"DimensionsOfAGather",
                                                  with(kAllgather, kFloat32, kSum, 0, {{4}}),
                                                  with(kAllgather, kFloat32, kSum, 0, {{}}),
                                                  {"[]", "[4]"}}),
                         [](const auto& info) { return info.param.name; });

TEST(Negotiator, WhatAnOperationDoesNotUseMayDiffer) {
  const Request a = with(kAllreduce, kFloat32, kSum, 0, {{4}});
  EXPECT_TRUE(isOk(compareRequests(0, a, 1, with(kAllreduce, kFloat32, kSum, 1, {{4}}))));
  const Request b = with(kBroadcast, kFloat32, kSum, 1, {{4}});
  EXPECT_TRUE(isOk(compareRequests(0, b, 1, with(kBroadcast, kFloat32, kMax, 1, {{4}}))));
}

TEST(Negotiator, TellsWhatEachRankWaitsForTheLongestFirst) {
  Negotiator negotiator(4);
  const auto start = Clock::now();
  negotiator.add(1, allreduceOf("old"), start);
  negotiator.add(0, allreduceOf("a young one"), start + seconds(8));
  negotiator.add(3, allreduceOf("old"), start + seconds(9));
  EXPECT_EQ(negotiator.oldest(), start);  // counted from the first to ask
  const auto incomplete = negotiator.incomplete();
  ASSERT_EQ(incomplete.size(), 2U);
  EXPECT_EQ(incomplete[0].what, "allreduce \"old\"");
  EXPECT_EQ(incomplete[0].missing, (std::vector{0, 2}));
  EXPECT_EQ(incomplete[0].waiting, (std::vector{1, 3}));
  EXPECT_EQ(incomplete[1].what, "allreduce \"a young one\"");
}

TEST(Negotiator, KnowsWhatARankThatLeftKeepsFromBeingDone) {
  Negotiator negotiator(3);
  EXPECT_FALSE(negotiator.blockedBy(2));
  negotiator.add(0, allreduceOf("x"), Clock::now());
  negotiator.add(2, allreduceOf("x"), Clock::now());
  EXPECT_FALSE(negotiator.blockedBy(2));  // it has done its part
  EXPECT_EQ(negotiator.blockedBy(1), "allreduce \"x\"");
}

}  // namespace
}  // namespace tsring
