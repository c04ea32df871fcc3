#include "engine/ticket.h"

#include <atomic>
#include <future>

#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"

namespace tsring {
namespace {

RequestHeader header() {
  return {OperationKind::kBarrier, "b", DType::kUint8, ReduceOp::kSum, 0};
}
Outcome outcome(StatusCode code) {
  return {Status(code, "so"), {}, {}, nullptr};
}

TEST(Ticket, AWaitEndsWhenItIsSettledAndSoDoesEveryLaterOne) {
  Ticket ticket(1, {}, header());
  auto waiting = std::async(std::launch::async, [&] { return ticket.wait(soon()).status; });
  EXPECT_FALSE(ticket.settled());
  ticket.settle(outcome(StatusCode::kMismatch));
  EXPECT_EQ(waiting.get().code(), StatusCode::kMismatch);
  EXPECT_TRUE(ticket.settled());
  EXPECT_EQ(ticket.wait(Deadline(Clock::now())).status.code(), StatusCode::kMismatch);
}

TEST(Ticket, KeepsItsFirstOutcome) {
  Ticket ticket(1, {}, header());
  ticket.settle(outcome(StatusCode::kMismatch));
  ticket.settle({});
  EXPECT_EQ(ticket.wait(soon()).status.code(), StatusCode::kMismatch);
}

TEST(Ticket, AWaitGivesUpAtItsDeadlineAndSaysOnWhat) {
  Ticket ticket(1, {}, header());
  EXPECT_TRUE(failsWith(StatusCode::kTimeout, {"barrier \"b\""}, ticket.wait(Deadline::in(milliseconds(20))).status));
}

TEST(Ticket, CallsBackOnceWhetherAskedBeforeOrAfter) {
  std::atomic<int> calls = 0;
  Ticket before(1, {}, header());
  before.onSettled([&] { ++calls; });
  EXPECT_EQ(calls, 0);
  before.settle({});
  before.settle({});
  EXPECT_EQ(calls, 1);
  before.onSettled([&] { ++calls; });
  EXPECT_EQ(calls, 2);
}

TEST(TicketTable, FindsAnOpenTicketByItsNumber) {
  TicketTable table;
  const auto a = table.open({}, header());
  const auto b = table.open({}, header());
  EXPECT_NE(a->id, b->id);
  EXPECT_EQ(table.find(a->id), a);
  table.close(a->id);
  EXPECT_EQ(table.find(a->id), nullptr);
  EXPECT_EQ(table.find(b->id), b);
  EXPECT_EQ(table.find(12345), nullptr);
  table.close(12345);
}

TEST(TicketTable, ServesManyThreads) {
  TicketTable table;
  onRanks(4, [&](int) {
    for (int i = 0; i < 500; ++i) {
      const auto ticket = table.open({}, header());
      ASSERT_EQ(table.find(ticket->id), ticket);
      table.close(ticket->id);
    }
  });
}

}  // namespace
}  // namespace tsring
