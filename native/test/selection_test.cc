#include "collective/selection.h"

#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"
#include "transport/memory/memory_network.h"

namespace tsring {
namespace {

constexpr Algorithm kAll[] = {Algorithm::kRing, Algorithm::kRecursiveDoubling, Algorithm::kHalvingDoubling,
                              Algorithm::kEveryone, Algorithm::kParts};

TEST(CostModel, CountsTheStepsAndBytesOfEachAlgorithm) {
  EXPECT_EQ(workOf(Algorithm::kRing, 4, 400), (Work{6, 600, 300}));
  EXPECT_EQ(workOf(Algorithm::kRecursiveDoubling, 4, 400), (Work{2, 800, 800}));
  EXPECT_EQ(workOf(Algorithm::kHalvingDoubling, 4, 400), (Work{4, 600, 300}));
  EXPECT_EQ(workOf(Algorithm::kEveryone, 4, 400), (Work{1, 400, 1200}));
  EXPECT_EQ(workOf(Algorithm::kParts, 4, 400), (Work{2, 700, 300}));
}

TEST(CostModel, RanksBeyondAPowerOfTwoCostATripThereAndOneBack) {
  EXPECT_EQ(workOf(Algorithm::kRecursiveDoubling, 5, 100), (Work{4, 400, 300}));
  EXPECT_EQ(workOf(Algorithm::kHalvingDoubling, 5, 100), (Work{6, 350, 175}));
}

TEST(CostModel, CountsWhatAllRanksDoTogether) {
  EXPECT_EQ(workOfAll(Algorithm::kRing, 4, 400), (Work{24, 2400, 1200}));
  EXPECT_EQ(workOfAll(Algorithm::kHalvingDoubling, 4, 400), (Work{16, 2400, 1200}));
  EXPECT_EQ(workOfAll(Algorithm::kRecursiveDoubling, 5, 100), (Work{10, 1000, 900}));
  EXPECT_EQ(workOfAll(Algorithm::kHalvingDoubling, 5, 100), (Work{18, 800, 400}));
  EXPECT_EQ(workOfAll(Algorithm::kParts, 4, 400), (Work{8, 2800, 1200}));
}

TEST(CostModel, OneRankHasNothingToDo) {
  for (const Algorithm algorithm : kAll) {
    EXPECT_EQ(workOf(algorithm, 1, 1000), (Work{0, 0, 0}));
    EXPECT_EQ(workOfAll(algorithm, 1, 1000), (Work{0, 0, 0}));
  }
}

TEST(CostModel, MoreBytesNeverCostLess) {
  for (const Algorithm algorithm : kAll) {
    for (size_t ranks = 1; ranks < 40; ++ranks) {
      uint64_t before = 0;
      for (uint64_t bytes = 0; bytes < uint64_t{1} << 40; bytes = bytes * 3 + 1) {
        const uint64_t cost = predict(kBuiltInCosts, algorithm, ranks, bytes);
        ASSERT_GE(cost, before);
        before = cost;
      }
    }
  }
}

TEST(CostModel, ABucketIsWorthARingWhereItsStepsAreLittleOfIt) {
  for (const Costs& costs : {kBuiltInCosts, kBuiltInCostsOfSharedCores}) {
    uint64_t fewer = 0;
    for (size_t ranks = 2; ranks < 100; ++ranks) {
      const uint64_t bytes = bytesWorthARing(costs, ranks).value();
      EXPECT_GE(predict(costs, Algorithm::kRing, ranks, bytes), 20 * predict(costs, Algorithm::kRing, ranks, 0));
      EXPECT_GE(bytes, fewer);
      fewer = bytes;
    }
  }
  EXPECT_EQ(bytesWorthARing(kBuiltInCosts, 2), 4 << 20);
  EXPECT_EQ(bytesWorthARing(kBuiltInCosts, 8), 4 << 20);
  EXPECT_EQ(bytesWorthARing(kBuiltInCosts, 16), 8 << 20);
  Costs slow = kBuiltInCosts;
  slow.of[0].stepNanoseconds *= 64;
  EXPECT_EQ(bytesWorthARing(slow, 4), 128 << 20);
  slow.of[0].bytePicoseconds = 0;
  slow.combinePicoseconds = 0;
  EXPECT_EQ(bytesWorthARing(slow, 4), std::nullopt);
}

// Where what all ranks do takes time a ring has as many bytes to move as halving and doubling, in more messages.
TEST(Selection, RanksThatShareCoresTakeNoRing) {
  Tuning tuning;
  tuning.costs = kBuiltInCostsOfSharedCores;
  for (size_t ranks = 3; ranks < 40; ++ranks) {
    EXPECT_EQ(choose(tuning, Medium::kLinks, ranks, 4), Algorithm::kRecursiveDoubling) << ranks;
    EXPECT_EQ(choose(tuning, Medium::kLinks, ranks, 1 << 20), Algorithm::kHalvingDoubling) << ranks;
    EXPECT_EQ(choose(tuning, Medium::kLinks, ranks, 256 << 20), Algorithm::kHalvingDoubling) << ranks;
  }
}

TEST(Selection, TakesFewStepsForSmallDataAndFewBytesForLarge) {
  for (size_t ranks = 3; ranks < 40; ++ranks) {
    EXPECT_EQ(choose({}, Medium::kLinks, ranks, 4), Algorithm::kRecursiveDoubling) << ranks;
    EXPECT_EQ(choose({}, Medium::kLinks, ranks, 256 << 20), Algorithm::kRing) << ranks;
    EXPECT_EQ(choose({}, Medium::kMemory, ranks, 4), Algorithm::kEveryone) << ranks;
    EXPECT_EQ(choose({}, Medium::kMemory, ranks, 256 << 20), Algorithm::kParts) << ranks;
  }
  EXPECT_EQ(choose({}, Medium::kLinks, 8, 256 << 10), Algorithm::kHalvingDoubling);
}

TEST(Selection, StretchesSayWhatIsChosen) {
  for (const Medium medium : {Medium::kLinks, Medium::kMemory}) {
    for (size_t ranks = 2; ranks < 20; ++ranks) {
      const auto all = stretches({}, medium, ranks);
      for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(choose({}, medium, ranks, all[i].fromBytes), all[i].algorithm);
        if (i == 0) continue;
        EXPECT_EQ(choose({}, medium, ranks, all[i].fromBytes - 1), all[i - 1].algorithm);
        EXPECT_LT(all[i - 1].fromBytes, all[i].fromBytes);
      }
    }
  }
}

TEST(Selection, DescribesItInUnits) {
  EXPECT_EQ(
      describe({{0, Algorithm::kRecursiveDoubling}, {1536, Algorithm::kHalvingDoubling}, {40 << 20, Algorithm::kRing}}),
      "recursive-doubling, from 1.5 KB halving-doubling, from 40 MB ring");
}

TEST(Selection, AForcedAlgorithmIsAlwaysTakenOnItsMedium) {
  const Tuning tuning{.forced = Algorithm::kRing};
  for (const uint64_t bytes : {0, 4, 1 << 30}) {
    EXPECT_EQ(choose(tuning, Medium::kLinks, 8, bytes), Algorithm::kRing);
    EXPECT_EQ(mediumOf(choose(tuning, Medium::kMemory, 8, bytes)), Medium::kMemory);
  }
}

TEST(Selection, RefusesAnAlgorithmThatTheMediumHasNoUseFor) {
  for (const Algorithm algorithm : kAll) {
    for (const Medium medium : {Medium::kLinks, Medium::kMemory}) {
      const Status status = checkPossible({.forced = algorithm}, medium);
      if (mediumOf(algorithm) == medium) {
        EXPECT_TRUE(isOk(status));
      } else {
        EXPECT_TRUE(failsWith(StatusCode::kUnsupported, {algorithmName(algorithm), "auto"}, status));
      }
    }
  }
  EXPECT_TRUE(isOk(checkPossible({}, Medium::kLinks)));
}

TEST(Selection, AllRanksGoByRankZerosTuning) {
  for (const std::optional<Algorithm> forced :
       {std::optional<Algorithm>(), std::optional(Algorithm::kHalvingDoubling)}) {
    Tuning first{.forced = forced};
    first.costs.of[1] = {7, 11};
    first.costs.combinePicoseconds = 13;
    first.costs.sharedCores = true;
    MemoryNetwork network(5);
    network.disturbAll({.mostBytesPerCall = 7});
    std::vector<std::unique_ptr<Mesh>> ranks;
    for (int rank = 0; rank < 5; ++rank) ranks.push_back(network.join(rank));
    onRanks(5, [&](int rank) {
      Tuning own{.forced = Algorithm::kRing};
      own.costs.combinePicoseconds = static_cast<uint32_t>(rank);
      const auto agreed =
          agreeOnTuning(*ranks[static_cast<size_t>(rank)], rank == 0 ? first : own, milliseconds(20'000));
      ASSERT_TRUE(isOk(agreed));
      EXPECT_EQ(agreed.value(), first);
    });
  }
}

TEST(Selection, ARankZeroThatIsGoneIsALostPeer) {
  MemoryNetwork network(2);
  network.join(0).reset();
  const auto one = network.join(1);
  EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"rank 0"}, agreeOnTuning(*one, {}, milliseconds(1000)).status()));
}

}  // namespace
}  // namespace tsring
