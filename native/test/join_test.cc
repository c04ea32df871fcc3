#include <gtest/gtest.h>

#include "engine/negotiator.h"
#include "test/helpers/ring_of_sessions.h"
#include "test/helpers/status_checks.h"

// Ranks that have joined, and what the others do meanwhile.

namespace tsring {
namespace {

using std::chrono::seconds;

constexpr Clock::time_point kStart{};

Request requestOf(OperationKind kind, std::string name, std::vector<Shape> shapes = {{4}}) {
  return {headerOf(kind, std::move(name)), std::move(shapes)};
}

Request joinOf(std::string name = "join") {
  return requestOf(OperationKind::kJoin, std::move(name), {});
}

TEST(JoinNegotiator, WhatLacksOnlyRanksThatHaveJoinedIsCompleteTheOldestFirst) {
  Negotiator negotiator(3);
  EXPECT_FALSE(negotiator.add(1, requestOf(OperationKind::kAllreduce, "b"), kStart));
  EXPECT_FALSE(negotiator.add(2, requestOf(OperationKind::kAllreduce, "b"), kStart));
  EXPECT_FALSE(negotiator.add(1, requestOf(OperationKind::kBarrier, "a", {}), kStart + seconds(1)));
  EXPECT_FALSE(negotiator.add(2, requestOf(OperationKind::kBarrier, "a", {}), kStart + seconds(1)));
  const auto verdicts = negotiator.join(0, joinOf(), kStart + seconds(2));
  ASSERT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts[0].name, "b");
  ASSERT_TRUE(verdicts[0].request);
  EXPECT_EQ(verdicts[0].request->shapes, (std::vector<Shape>{{4}}));
  EXPECT_EQ(verdicts[1].name, "a");
}

TEST(JoinNegotiator, AfterTheLastJoinAllAreNeededAgain) {
  Negotiator negotiator(2);
  EXPECT_TRUE(negotiator.join(1, joinOf(), kStart).empty());
  EXPECT_TRUE(negotiator.add(0, requestOf(OperationKind::kAllreduce, "x"), kStart));
  const auto verdicts = negotiator.join(0, joinOf(), kStart);
  ASSERT_EQ(verdicts.size(), 1u);
  EXPECT_EQ(verdicts[0].lastRank, 0);
  EXPECT_FALSE(verdicts[0].request);
  EXPECT_FALSE(negotiator.add(0, requestOf(OperationKind::kAllreduce, "x"), kStart));
  EXPECT_TRUE(negotiator.add(1, requestOf(OperationKind::kAllreduce, "x"), kStart));
  EXPECT_TRUE(negotiator.empty());
}

TEST(JoinNegotiator, BringsNoRowsToAGatherOfAnyShape) {
  Negotiator negotiator(2);
  std::ignore = negotiator.join(0, joinOf(), kStart);
  const auto verdict = negotiator.add(1, requestOf(OperationKind::kAllgather, "g", {{2, 3}, {}}), kStart);
  ASSERT_TRUE(verdict && verdict->status.ok());
  EXPECT_EQ(verdict->shapes, (std::vector<std::vector<Shape>>{{{0, 3}, {0}}, {{2, 3}, {}}}));
}

TEST(JoinNegotiator, RefusesWhatZerosWouldChange) {
  for (const ReduceOp op : {ReduceOp::kMin, ReduceOp::kMax, ReduceOp::kProduct}) {
    Negotiator negotiator(2);
    std::ignore = negotiator.join(0, joinOf(), kStart);
    Request request = requestOf(OperationKind::kAllreduce, "x");
    request.header.op = op;
    const auto verdict = negotiator.add(1, request, kStart);
    ASSERT_TRUE(verdict);
    EXPECT_TRUE(failsWith(StatusCode::kInvalidArgument, {"rank 0 has joined"}, verdict->status));
  }
  Negotiator negotiator(2);
  std::ignore = negotiator.join(0, joinOf(), kStart);
  const auto verdict = negotiator.add(1, requestOf(OperationKind::kBroadcast, "b"), kStart);
  EXPECT_TRUE(failsWith(StatusCode::kInvalidArgument, {"is the root"}, verdict->status));
}

// Someone waits in a join for hours; only a ring that does not get on is overdue.
TEST(JoinNegotiator, IsAsOldAsTheLastThingThatWasAgreedOn) {
  Negotiator negotiator(3);
  std::ignore = negotiator.join(0, joinOf(), kStart);
  EXPECT_EQ(negotiator.oldest(), kStart);
  std::ignore = negotiator.add(1, requestOf(OperationKind::kAllreduce, "x"), kStart + seconds(5));
  std::ignore = negotiator.add(2, requestOf(OperationKind::kAllreduce, "x"), kStart + seconds(7));
  EXPECT_EQ(negotiator.oldest(), kStart + seconds(7));
}

TEST(JoinNegotiator, TellsOfTheJoinLast) {
  Negotiator negotiator(3);
  std::ignore = negotiator.join(0, joinOf(), kStart);
  std::ignore = negotiator.add(2, requestOf(OperationKind::kAllreduce, "x"), kStart + seconds(3));
  EXPECT_EQ(negotiator.oldest(), kStart + seconds(3));
  const auto incomplete = negotiator.incomplete();
  ASSERT_EQ(incomplete.size(), 2U);
  EXPECT_EQ(incomplete[0].name, "x");
  EXPECT_EQ(incomplete[0].missing, std::vector{1});
  EXPECT_TRUE(incomplete[1].joins);
}

class JoinOf : public testing::TestWithParam<std::tuple<int, Transport, bool>> {
 protected:
  static int size() { return std::get<0>(GetParam()); }
  static bool blocking() { return std::get<2>(GetParam()); }
  static SessionOptions options() {
    SessionOptions options = testOptions();
    options.transport = std::get<1>(GetParam());
    return options;
  }

  /// One float's sum.
  static float sumOne(Session& session, const std::string& name) {
    const float one = 1;
    float sum = 0;
    if (blocking()) {
      const TensorBuffer buffer{reinterpret_cast<const std::byte*>(&one), reinterpret_cast<std::byte*>(&sum)};
      EXPECT_TRUE(isOk(session.run(sumOf(name), {{1}}, {buffer}).status));
      return sum;
    }
    auto running = startSum(session, name, {one});
    EXPECT_TRUE(isOk(running.wait()));
    return running.numbers().front();
  }
};

// Rank r has r + 1 rounds of work; then all do some together, twice over.
TEST_P(JoinOf, RanksWithLessWorkBringZerosUntilAllAreDone) {
  const RingOfSessions ring(size(), options());
  onRanks(size(), [&](int rank) {
    for (int pass = 0; pass < 2; ++pass) {
      for (int step = 0; step <= rank; ++step) {
        const auto name = std::to_string(pass) + " step " + std::to_string(step);
        EXPECT_EQ(sumOne(ring[rank], name), static_cast<float>(size() - step));
      }
      const Outcome joined = ring[rank].run(headerOf(OperationKind::kJoin, "join"), {}, {});
      ASSERT_TRUE(isOk(joined.status));
      EXPECT_EQ(joined.lastRank, size() - 1);
      for (int step = 0; step < 3; ++step)
        EXPECT_EQ(sumOne(ring[rank], "all " + std::to_string(step)), static_cast<float>(size()));
    }
  });
}

TEST_P(JoinOf, ARankThatHasJoinedAsksForNothingElse) {
  const RingOfSessions ring(size(), options());
  if (size() == 1) return;
  Running join(ring[0], headerOf(OperationKind::kJoin, "join"), {});
  auto refused = startSum(ring[0], "x", {1});
  EXPECT_TRUE(failsWith(StatusCode::kInvalidArgument, {"has joined"}, refused.wait()));
  const Outcome blocked = ring[0].run(headerOf(OperationKind::kBarrier, "y"), {}, {});
  EXPECT_TRUE(failsWith(StatusCode::kInvalidArgument, {"has joined"}, blocked.status));
  std::vector<Running> others;
  for (int rank = 1; rank < size(); ++rank)
    others.emplace_back(ring[rank], headerOf(OperationKind::kJoin, "join"), std::vector<std::vector<float>>{});
  EXPECT_TRUE(isOk(join.wait()));
  for (Running& other : others) EXPECT_TRUE(isOk(other.wait()));
}

INSTANTIATE_TEST_SUITE_P(Ranks, JoinOf,
                         testing::Combine(testing::Values(1, 2, 3, 5), testing::ValuesIn(kTransports), testing::Bool()),
                         [](const auto& info) {
                           return std::to_string(std::get<0>(info.param)) + transportName(std::get<1>(info.param)) +
                                  (std::get<2>(info.param) ? "Blocking" : "Submitted");
                         });

}  // namespace
}  // namespace tsring
