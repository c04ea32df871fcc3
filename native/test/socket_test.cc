#include "transport/tcp/socket.h"

#include <poll.h>

#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"

namespace tsring {
namespace {

TEST(Socket, CarriesManyBytesInOrderBothWaysAtOnce) {
  expectBytesBothWays(connectedPair());
}

TEST(Socket, NothingThereAndNoRoomMoveNoBytes) {
  SocketPair pair = connectedPair();
  Bytes bytes(1 << 20);
  EXPECT_EQ(pair.called.tryReceive(bytes).value(), 0u);
  EXPECT_EQ(pair.called.tryReceive({}).value(), 0u);
  size_t sent = 1;
  for (size_t total = 0; sent > 0 && total < (1u << 30); total += sent) sent = pair.caller.trySend(bytes).value();
  EXPECT_EQ(sent, 0u);
}

TEST(Socket, WaitsEndAtTheDeadline) {
  SocketPair pair = connectedPair();
  Bytes bytes(64 << 20);
  EXPECT_EQ(pair.called.receiveAll(bytes, Deadline::in(milliseconds(30))).code(), StatusCode::kTimeout);
  EXPECT_EQ(pair.caller.sendAll(bytes, Deadline::in(milliseconds(30))).code(), StatusCode::kTimeout);
}

TEST(Socket, TheEndOfTheStreamIsALostPeerAfterTheLastByte) {
  SocketPair pair = connectedPair();
  ASSERT_TRUE(isOk(pair.caller.sendAll(bytesOf("last"), soon())));
  pair.caller.close();
  Bytes bytes(4);
  EXPECT_TRUE(isOk(pair.called.receiveAll(bytes, soon())));
  EXPECT_EQ(bytes, bytesOf("last"));
  EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"closed"}, pair.called.receiveAll(bytes, soon())));
}

TEST(Socket, FinishSendingLeavesTheOtherDirectionOpen) {
  SocketPair pair = connectedPair();
  pair.caller.finishSending();
  Bytes bytes(2);
  EXPECT_EQ(pair.called.receiveAll(bytes, soon()).code(), StatusCode::kPeerLost);
  EXPECT_TRUE(isOk(pair.called.sendAll(bytesOf("ok"), soon())));
  EXPECT_TRUE(isOk(pair.caller.receiveAll(bytes, soon())));
}

TEST(Socket, SendingToAPeerThatIsGoneFailsAndRaisesNoSignal) {
  SocketPair pair = connectedPair();
  pair.called.close();
  const Bytes bytes(8 << 20);
  EXPECT_EQ(pair.caller.sendAll(bytes, soon()).code(), StatusCode::kPeerLost);
}

TEST(Socket, AnUnansweredPortIsAConnectError) {
  const uint16_t port = listenOnLoopback().port();  // and closed again
  const auto socket = Socket::connect("127.0.0.1", port, soon());
  EXPECT_TRUE(failsWith(StatusCode::kConnect, {"127.0.0.1:" + std::to_string(port)}, socket.status()));
}

TEST(Socket, ANameThatMeansNothingIsAConnectError) {
  EXPECT_TRUE(
      failsWith(StatusCode::kConnect, {"cannot resolve"}, Socket::connect("not a host name", 1, soon()).status()));
}

TEST(Listener, ChoosesAPortAndHasNobodyWaitingAtFirst) {
  Listener listener = listenOnLoopback();
  EXPECT_GT(listener.port(), 0);
  EXPECT_FALSE(listener.tryAccept());
}

TEST(Listener, RefusesAnAddressThatIsNotOurs) {
  EXPECT_EQ(Listener::bind("192.0.2.1").status().code(), StatusCode::kConnect);
}

TEST(WakeUp, EndsAPollUntilCleared) {
  WakeUp wakeUp;
  pollfd entry{wakeUp.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, 0), 0);
  for (int i = 0; i < 200'000; ++i) wakeUp.signal();  // more than a pipe holds
  EXPECT_EQ(::poll(&entry, 1, 0), 1);
  wakeUp.clear();
  EXPECT_EQ(::poll(&entry, 1, 0), 0);
}

}  // namespace
}  // namespace tsring
