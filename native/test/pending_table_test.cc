#include "engine/pending_table.h"

#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"

namespace tsring {
namespace {

Operation operationOf(const std::string& name) {
  const RequestHeader header{OperationKind::kAllreduce, name, DType::kFloat32, ReduceOp::kSum, 0};
  return {std::make_shared<Ticket>(1, std::weak_ptr<Session>(), header), {header, {{4}}}, {}, {}};
}

const Status kLost(StatusCode::kPeerLost, "rank 3 on host3 was lost");

TEST(PendingTable, ANameIsTakenUntilItsOperationIsSettled) {
  PendingTable table;
  const Operation first = operationOf("x");
  EXPECT_TRUE(isOk(table.add(first)));
  EXPECT_TRUE(failsWith(StatusCode::kDuplicateName, {"allreduce \"x\"", "under way"}, table.add(operationOf("x"))));
  EXPECT_TRUE(table.take("x"));
  EXPECT_EQ(table.add(operationOf("x")).code(), StatusCode::kDuplicateName);  // being carried out
  table.settle(first.ticket, {});
  EXPECT_TRUE(isOk(first.ticket->wait(soon()).status));
  EXPECT_TRUE(isOk(table.add(operationOf("x"))));
}

TEST(PendingTable, HandsAnOperationOutOnce) {
  PendingTable table;
  EXPECT_TRUE(isOk(table.add(operationOf("x"))));
  EXPECT_FALSE(table.take("y"));
  EXPECT_TRUE(table.take("x"));
  EXPECT_FALSE(table.take("x"));
}

TEST(PendingTable, AFailureSettlesWhatWaitsAndRefusesWhatComesWithTheFirstReason) {
  PendingTable table;
  const Operation waiting = operationOf("waiting");
  const Operation running = operationOf("running");
  EXPECT_TRUE(isOk(table.add(waiting)));
  EXPECT_TRUE(isOk(table.add(running)));
  EXPECT_TRUE(table.take("running"));
  table.fail(kLost);
  table.fail(Status(StatusCode::kShutDown, "later"));
  EXPECT_TRUE(
      failsWith(StatusCode::kPeerLost, {"rank 3", "allreduce \"waiting\""}, waiting.ticket->wait(soon()).status));
  EXPECT_FALSE(running.ticket->settled());
  EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"rank 3", "\"new\""}, table.add(operationOf("new"))));
}

}  // namespace
}  // namespace tsring
