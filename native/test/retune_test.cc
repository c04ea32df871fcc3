#include "test/helpers/ring_of_sessions.h"
#include "test/helpers/status_checks.h"

// Another tuning in the middle of a session's work.

namespace tsring {
namespace {

class RetuneOf : public testing::TestWithParam<std::tuple<const char*, Transport>> {};

Running startSums(Session& session, const std::string& name) {
  return Running(session, sumOf(name),
                 {std::vector<float>(5000, 1), std::vector<float>(7, 2), std::vector<float>(300, 3)});
}

TEST_P(RetuneOf, LeavesWhatIsUnderWayRightAndTakesHoldOnAllRanksAlike) {
  SessionOptions options = testOptions();
  options.transport = std::get<1>(GetParam());
  options.mostSockets = 3;
  const RingOfSessions ring(std::get<0>(GetParam()), options);
  const auto size = static_cast<float>(ring.size());
  // Only the first rank's counts: buckets of another size on one rank would end in a mess.
  const std::vector<Trial> trials{
      {64, 1024, 100, 2}, {1 << 20, 300'000, 1, 3}, {0, 1024, 10'000, 1}, {16'384, 70'000, 100, 9}};
  std::vector<std::string> ways(static_cast<size_t>(ring.size()));
  onRanks(ring.size(), [&](int rank) {
    for (size_t round = 0; round < trials.size(); ++round) {
      std::vector<Running> running;
      for (int i = 0; i < 5; ++i) running.push_back(startSums(ring[rank], "before " + std::to_string(i)));
      Trial trial = trials[round];
      if (rank != 0) trial = {static_cast<size_t>(4096 * rank), 2048, 100, 1};
      ASSERT_TRUE(isOk(ring[rank].retune(trial)));
      for (int i = 0; i < 5; ++i) running.push_back(startSums(ring[rank], "after " + std::to_string(i)));
      for (Running& each : running) {
        ASSERT_TRUE(isOk(each.wait()));
        ASSERT_EQ(each.numbers(0), std::vector<float>(5000, size));
        ASSERT_EQ(each.numbers(2), std::vector<float>(300, 3 * size));
      }
      for (const size_t bytes : {64U, 4096U, 100'000U, 4'000'000U})
        ways[static_cast<size_t>(rank)].append(ring[rank].algorithm(bytes)).append(" ");
    }
  });
  for (const std::string& each : ways) EXPECT_EQ(each, ways.front());
}

INSTANTIATE_TEST_SUITE_P(Rings, RetuneOf,
                         testing::Values(std::tuple("a", Transport::kTcp), std::tuple("aa", Transport::kShm),
                                         std::tuple("aaa", Transport::kTcp), std::tuple("aabb", Transport::kShm)),
                         [](const auto& info) {
                           return std::get<0>(info.param) + transportName(std::get<1>(info.param));
                         });

TEST(Retune, MovesTheSizesUpFromWhichAnAlgorithmIsChosen) {
  SessionOptions options = testOptions();
  options.transport = Transport::kTcp;
  const RingOfSessions ring(2, options);
  const auto algorithmAfter = [&](uint32_t stepCostPercent) {
    onRanks(2, [&](int rank) { EXPECT_TRUE(isOk(ring[rank].retune({1 << 20, kDefaultPieceBytes, stepCostPercent}))); });
    EXPECT_EQ(ring[0].algorithm(85'000), ring[1].algorithm(85'000));
    return ring[1].algorithm(85'000);
  };
  EXPECT_EQ(algorithmAfter(10), "ring");
  EXPECT_EQ(algorithmAfter(1000), "recursive-doubling");
  EXPECT_EQ(algorithmAfter(10), "ring");  // of what it was at the start, not of what it was last
}

TEST(Retune, IsDecidedByNobodyWhereTheFirstRankHasJoined) {
  const RingOfSessions ring(2);
  onRanks(2, [&](int rank) {
    if (rank == 0) {
      EXPECT_TRUE(isOk(ring[0].run(headerOf(OperationKind::kJoin, "join"), {}, {}).status));
      return;
    }
    EXPECT_TRUE(isOk(ring[1].retune({64, 1024, 100})));
    Running sum = startSums(ring[1], "x");
    EXPECT_TRUE(isOk(sum.wait()));
    EXPECT_EQ(sum.numbers(0), std::vector<float>(5000, 1));
    EXPECT_TRUE(isOk(ring[1].run(headerOf(OperationKind::kJoin, "join"), {}, {}).status));
  });
}

}  // namespace
}  // namespace tsring
