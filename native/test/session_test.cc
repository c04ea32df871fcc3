#include "engine/session.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <optional>
#include <random>

#include "test/helpers/ring_of_sessions.h"
#include "test/helpers/status_checks.h"

// Sessions of one ring that do what they should: several in one process, over real sockets.

namespace tsring {
namespace {

class SessionsOf : public testing::TestWithParam<std::tuple<int, Transport>> {
 protected:
  static int size() { return std::get<0>(GetParam()); }
  static SessionOptions options() {
    SessionOptions options = testOptions();
    options.transport = std::get<1>(GetParam());
    return options;
  }
};

TEST_P(SessionsOf, SumTheirNumbersAndLeaveTheInputAlone) {
  const RingOfSessions ring(size(), options());
  const auto size = static_cast<float>(ring.size());
  onRanks(ring.size(), [&](int rank) {
    const auto value = static_cast<float>(rank);
    auto sum = startSum(ring[rank], "x", {value, 1, -value});
    ASSERT_TRUE(isOk(sum.wait()));
    const float total = size * (size - 1) / 2;
    EXPECT_EQ(sum.numbers(), (std::vector<float>{total, size, -total}));
    EXPECT_EQ(sum.given(), (std::vector<float>{value, 1, -value}));
  });
}

TEST_P(SessionsOf, DivideAnAverageByTheirNumber) {
  const RingOfSessions ring(size(), options());
  onRanks(ring.size(), [&](int rank) {
    RequestHeader header = sumOf("x");
    header.op = ReduceOp::kAverage;
    Running average(ring[rank], header, {{static_cast<float>(2 * rank)}});
    ASSERT_TRUE(isOk(average.wait()));
    EXPECT_EQ(average.numbers(), std::vector<float>{static_cast<float>(ring.size() - 1)});
  });
}

// With a small fusion threshold a group is cut into several buckets; with memory of its own or of the engine.
TEST_P(SessionsOf, MoveAGroupAsOne) {
  for (const size_t threshold : {size_t{0}, size_t{256}, size_t{64 << 20}}) {
    SessionOptions options = this->options();
    options.fusionThresholdBytes = threshold;
    const RingOfSessions ring(size(), options);
    onRanks(ring.size(), [&](int rank) {
      for (const bool ownOutput : {false, true}) {
        std::vector<std::vector<float>> group;
        for (size_t count : {3, 0, 100, 1, 17, 17}) group.emplace_back(count, static_cast<float>(count + 1));
        Running sums(ring[rank], sumOf("group"), group, {}, ownOutput);
        ASSERT_TRUE(isOk(sums.wait()));
        for (size_t i = 0; i < group.size(); ++i) {
          for (float& value : group[i]) value *= static_cast<float>(ring.size());
          EXPECT_EQ(sums.numbers(i), group[i]);
        }
      }
    });
  }
}

TEST_P(SessionsOf, GatherRowsOfAnyNumber) {
  const RingOfSessions ring(size(), options());
  onRanks(ring.size(), [&](int rank) {
    const std::vector<float> rows(static_cast<size_t>(2 * rank), static_cast<float>(rank));
    Running gathered(ring[rank], headerOf(OperationKind::kAllgather, "rows"), {rows, {static_cast<float>(rank)}},
                     {{rank, 2}, {}});
    ASSERT_TRUE(isOk(gathered.wait()));
    std::vector<float> all, scalars;
    for (int other = 0; other < ring.size(); ++other) {
      all.insert(all.end(), static_cast<size_t>(2 * other), static_cast<float>(other));
      scalars.push_back(static_cast<float>(other));
    }
    EXPECT_EQ(gathered.shape(0), (Shape{ring.size() * (ring.size() - 1) / 2, 2}));
    EXPECT_EQ(gathered.numbers(0), all);
    EXPECT_EQ(gathered.shape(1), Shape{ring.size()});
    EXPECT_EQ(gathered.numbers(1), scalars);
  });
}

TEST_P(SessionsOf, BroadcastFromEveryRoot) {
  const RingOfSessions ring(size(), options());
  onRanks(ring.size(), [&](int rank) {
    for (int root = 0; root < ring.size(); ++root) {
      const auto value = static_cast<float>(rank);
      Running sent(ring[rank], headerOf(OperationKind::kBroadcast, "b", root), {{value, value}, {value + 10}});
      ASSERT_TRUE(isOk(sent.wait()));
      const auto theirs = static_cast<float>(root);
      EXPECT_EQ(sent.numbers(0), (std::vector<float>{theirs, theirs}));
      EXPECT_EQ(sent.numbers(1), std::vector<float>{theirs + 10});
    }
  });
}

TEST_P(SessionsOf, WaitForEachOtherAtABarrier) {
  const RingOfSessions ring(size(), options());
  std::atomic<int> arrived = 0;
  onRanks(ring.size(), [&](int rank) {
    for (int round = 1; round <= 5; ++round) {
      ++arrived;
      Running barrier(ring[rank], headerOf(OperationKind::kBarrier, "b" + std::to_string(round)), {});
      ASSERT_TRUE(isOk(barrier.wait()));
      EXPECT_GE(arrived, round * ring.size());
    }
  });
}

// Each rank's program asks in an order of its own; names pair the calls up.
TEST_P(SessionsOf, DoTheSameThingsWhateverTheOrderTheyAreAskedIn) {
  const RingOfSessions ring(size(), options());
  constexpr size_t kOperations = 30;
  onRanks(ring.size(), [&](int rank) {
    std::vector<size_t> order(kOperations);
    for (size_t i = 0; i < kOperations; ++i) order[i] = i;
    std::mt19937 random(static_cast<unsigned>(rank));
    std::ranges::shuffle(order, random);
    std::vector<std::optional<Running>> running(kOperations);
    using Tensors = std::vector<std::vector<float>>;
    for (const size_t i : order) {
      const std::vector<float> values(i * 7 % 40, static_cast<float>(rank + 1));
      const auto name = "op" + std::to_string(i);
      if (i % 3 == 0) running[i].emplace(ring[rank], sumOf(name), Tensors{values});
      if (i % 3 == 1) {
        running[i].emplace(ring[rank], headerOf(OperationKind::kBroadcast, name, static_cast<int>(i) % ring.size()),
                           Tensors{values});
      }
      if (i % 3 == 2) running[i].emplace(ring[rank], headerOf(OperationKind::kAllgather, name), Tensors{values});
    }
    for (size_t i = 0; i < kOperations; ++i) {
      ASSERT_TRUE(isOk(running[i]->wait()));
      const auto size = static_cast<size_t>(ring.size());
      std::vector<float> expected(i * 7 % 40);
      if (i % 3 == 0) std::ranges::fill(expected, static_cast<float>(size * (size + 1)) / 2);
      if (i % 3 == 1) std::ranges::fill(expected, static_cast<float>(i % size + 1));
      if (i % 3 == 2) {
        expected.clear();
        for (size_t other = 1; other <= size; ++other) {
          expected.insert(expected.end(), i * 7 % 40, static_cast<float>(other));
        }
      }
      EXPECT_EQ(running[i]->numbers(), expected) << "operation " << i;
    }
  });
}

TEST_P(SessionsOf, CanBeClosedTwiceAndRefuseWorkAfterwards) {
  const RingOfSessions ring(size(), options());
  onRanks(ring.size(), [&](int rank) {
    ring[rank].close();
    ring[rank].close();
    // Another may have left earlier, which is then the reason.
    const Status late = startSum(ring[rank], "late", {1}).wait();
    EXPECT_TRUE(late.code() == StatusCode::kShutDown || late.code() == StatusCode::kPeerLost);
  });
}

// Blocking calls meet at the gate where there is one; those under way keep them from it, and nobody is left behind.
TEST_P(SessionsOf, MixBlockingCallsWithOthers) {
  const RingOfSessions ring(size(), options());
  onRanks(ring.size(), [&](int rank) {
    std::mt19937 random(static_cast<unsigned>(rank));
    for (int i = 0; i < 60; ++i) {
      std::optional<Running> meanwhile;
      const bool before = random() % 2 == 0;
      const auto start = [&] { meanwhile.emplace(startSum(ring[rank], "other" + std::to_string(i), {2})); };
      if (i % 3 == 0 && before) start();
      const std::vector<float> values(i % 5 == 0 ? 40'000 : 3, static_cast<float>(rank));
      const Shape shape{static_cast<int64_t>(values.size())};
      const Outcome outcome =
          ring[rank].run(sumOf("x"), {shape}, {{reinterpret_cast<const std::byte*>(values.data()), nullptr}});
      ASSERT_TRUE(isOk(outcome.status));
      const auto* sums = reinterpret_cast<const float*>(outcome.data.at(0));
      const auto total = static_cast<float>(ring.size() * (ring.size() - 1)) / 2;
      ASSERT_EQ(std::count(sums, sums + values.size(), total), static_cast<std::ptrdiff_t>(values.size()));
      if (i % 3 == 0 && !before) start();
      if (!meanwhile) continue;
      ASSERT_TRUE(isOk(meanwhile->wait()));
      ASSERT_EQ(meanwhile->numbers(), std::vector<float>{static_cast<float>(2 * ring.size())});
    }
  });
}

TEST_P(SessionsOf, TellOfAMismatchInABlockingCall) {
  const RingOfSessions ring(size(), options());
  if (ring.size() == 1) return;
  onRanks(ring.size(), [&](int rank) {
    const std::vector<float> values(rank == 1 ? 5 : 4);
    const auto run = [&](int64_t count) {
      return ring[rank]
          .run(sumOf("x"), {{count}}, {{reinterpret_cast<const std::byte*>(values.data()), nullptr}})
          .status;
    };
    EXPECT_TRUE(failsWith(StatusCode::kMismatch, {"rank 1 gave shape [5]"}, run(static_cast<int64_t>(values.size()))));
    EXPECT_TRUE(isOk(run(4)));
  });
}

INSTANTIATE_TEST_SUITE_P(Ranks, SessionsOf, testing::Combine(testing::Range(1, 6), testing::ValuesIn(kTransports)),
                         [](const auto& info) {
                           return std::to_string(std::get<0>(info.param)) + transportName(std::get<1>(info.param));
                         });

TEST(Session, WorksInPlaceOnMemoryOfTheCaller) {
  const RingOfSessions ring(3);
  onRanks(3, [&](int rank) {
    std::vector<float> values(1000, 1.5F);
    auto* const memory = reinterpret_cast<std::byte*>(values.data());
    const auto ticket = ring[rank].open(sumOf("x"));
    ASSERT_TRUE(isOk(ring[rank].submit(ticket, {{1000}}, {{memory, memory}})));
    const Outcome outcome = ticket->wait(soon());
    ASSERT_TRUE(isOk(outcome.status));
    EXPECT_TRUE(outcome.data.empty());
    EXPECT_EQ(values, std::vector<float>(1000, 4.5F));
    TicketTable::process().close(ticket->id);
  });
}

TEST(Session, MovesMoreThanItsSocketsHold) {
  const RingOfSessions ring(3);
  onRanks(3, [&](int rank) {
    auto sum = startSum(ring[rank], "large", std::vector<float>(1'000'003, 1.0F));
    ASSERT_TRUE(isOk(sum.wait()));
    EXPECT_EQ(sum.numbers(), std::vector<float>(1'000'003, 3.0F));
  });
}

TEST(Session, ANameMayBeUsedAgainAsSoonAsItsWaitIsOver) {
  const RingOfSessions ring(2);
  onRanks(2, [&](int rank) {
    for (int i = 0; i < 200; ++i) {
      auto sum = startSum(ring[rank], "x", {1});
      ASSERT_TRUE(isOk(sum.wait())) << "round " << i;
    }
  });
}

TEST(Session, ASecondOperationOfANameIsRefusedAndTheFirstGoesOn) {
  const RingOfSessions ring(2);
  auto first = startSum(ring[0], "x", {1});
  EXPECT_EQ(startSum(ring[0], "x", {1}).wait().code(), StatusCode::kDuplicateName);
  auto other = startSum(ring[1], "x", {2});
  EXPECT_TRUE(isOk(first.wait()));
  EXPECT_TRUE(isOk(other.wait()));
  EXPECT_EQ(first.numbers(), std::vector<float>{3});
}

// Refused on one rank alone; the operations after it must still meet, whichever way ranks ask for them.
TEST(Session, AgreesOnWhatFollowsABlockingCallThatWasRefused) {
  std::vector<float> values{1};
  const auto run = [&](Session& session, const char* name) {
    return session.run(sumOf(name), {{1}}, {{reinterpret_cast<const std::byte*>(values.data()), nullptr}}).status;
  };
  for (const Transport transport : kTransports) {
    SessionOptions options = testOptions();
    options.transport = transport;
    const RingOfSessions ring(2, options);
    auto x = startSum(ring[0], "x", {1});
    std::jthread other([&] {
      auto first = startSum(ring[1], "first", {1});
      auto second = startSum(ring[1], "second", {1});
      EXPECT_TRUE(isOk(run(ring[1], "y")));
      EXPECT_TRUE(isOk(run(ring[1], "z")));
      EXPECT_TRUE(isOk(first.wait()));
      EXPECT_TRUE(isOk(second.wait()));
      EXPECT_TRUE(isOk(startSum(ring[1], "x", {1}).wait()));
    });
    EXPECT_EQ(run(ring[0], "x").code(), StatusCode::kDuplicateName);
    EXPECT_TRUE(isOk(startSum(ring[0], "y", {1}).wait()));
    EXPECT_TRUE(isOk(run(ring[0], "z")));
    EXPECT_TRUE(isOk(startSum(ring[0], "first", {1}).wait()));
    EXPECT_TRUE(isOk(startSum(ring[0], "second", {1}).wait()));
    EXPECT_TRUE(isOk(x.wait()));
  }
}

TEST(Session, AMismatchIsTheSameErrorOnEveryRankAndTheRingGoesOn) {
  const RingOfSessions ring(3);
  std::vector<std::string> messages(3);
  onRanks(3, [&](int rank) {
    auto sum = startSum(ring[rank], "dense/kernel", std::vector<float>(rank == 2 ? 5 : 4));
    const Status status = sum.wait();
    EXPECT_TRUE(
        failsWith(StatusCode::kMismatch, {"\"dense/kernel\"", "rank 2 gave shape [5]", "rank 0 gave [4]"}, status));
    messages[static_cast<size_t>(rank)] = status.message();
    auto next = startSum(ring[rank], "dense/kernel", {1});
    EXPECT_TRUE(isOk(next.wait()));
  });
  EXPECT_EQ(messages[0], messages[1]);
  EXPECT_EQ(messages[0], messages[2]);
}

TEST(Session, RefusesWhatMakesNoSense) {
  const RingOfSessions ring(2);
  const auto expectInvalid = [&](const RequestHeader& header, std::vector<Shape> shapes, size_t tensors) {
    const auto ticket = ring[0].open(header);
    const Status status = ring[0].submit(ticket, std::move(shapes), std::vector<TensorBuffer>(tensors));
    EXPECT_TRUE(failsWith(StatusCode::kInvalidArgument, {"\"x\""}, status));
    TicketTable::process().close(ticket->id);
  };
  expectInvalid(headerOf(OperationKind::kBroadcast, "x", 2), {{1}}, 1);
  expectInvalid(headerOf(OperationKind::kBroadcast, "x", -1), {{1}}, 1);
  RequestHeader boolAverage = sumOf("x");
  boolAverage.dtype = DType::kBool;
  boolAverage.op = ReduceOp::kAverage;
  expectInvalid(boolAverage, {{1}}, 1);
  expectInvalid(sumOf("x"), {{1}, {2}}, 1);
  expectInvalid(sumOf("x"), std::vector<Shape>(20'000, Shape{1}), 20'000);
  expectInvalid(sumOf("x"), {Shape(40, 1)}, 1);
  expectInvalid(sumOf("x"), {{-1}}, 1);
}

// Each rank's request fits into a frame, all shapes together do not.
TEST(Session, RefusesAGatherOfMoreShapesThanAFrameHoldsOnEveryRankAndGoesOn) {
  const RingOfSessions ring(4);
  onRanks(4, [&](int rank) {
    const std::vector<Shape> shapes(1 << 14, Shape(32, 0));
    const auto ticket = ring[rank].open(headerOf(OperationKind::kAllgather, "x"));
    ASSERT_TRUE(isOk(ring[rank].submit(ticket, shapes, std::vector<TensorBuffer>(shapes.size()))));
    EXPECT_TRUE(failsWith(StatusCode::kInvalidArgument, {"\"x\"", "fewer tensors"}, ticket->wait(soon()).status));
    TicketTable::process().close(ticket->id);
    EXPECT_TRUE(isOk(startSum(ring[rank], "x", {1}).wait()));
  });
}

// The data thread may be the last to hold the operation.
TEST(Session, MayBeDroppedWithWorkUnderWay) {
  const std::vector<float> values(4, 1);
  const TensorBuffer tensor{reinterpret_cast<const std::byte*>(values.data()), nullptr};
  for (int i = 0; i < 200; ++i) {
    auto session = Session::create(testOptions());
    ASSERT_TRUE(isOk(session->connect({{"127.0.0.1", 0, "host0", ""}}, soon())));
    auto ticket = session->open(sumOf("x"));
    ASSERT_TRUE(isOk(session->submit(ticket, {{4}}, {tensor})));
    std::promise<void> settled;
    ticket->onSettled([&] { settled.set_value(); });
    TicketTable::process().close(ticket->id);
    ticket.reset();
    session.reset();
    ASSERT_EQ(settled.get_future().wait_until(soon().at()), std::future_status::ready);
  }
}

TEST(Session, RefusesWorkBeforeItIsConnected) {
  SessionOptions options = testOptions();
  const auto session = Session::create(options);
  EXPECT_EQ(startSum(*session, "x", {1}).wait().code(), StatusCode::kShutDown);
  session->close();
}

}  // namespace
}  // namespace tsring
