#include <future>

#include "engine/messages.h"
#include "engine/session.h"
#include "test/helpers/ring_of_sessions.h"
#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "transport/tcp/frame_hub.h"

// Rings in which a rank leaves, dies, lies or falls silent: everyone else hears who it was, and soon.

namespace tsring {
namespace {

/// Long enough for a slow machine, and far below the deadlines that testOptions() sets.
constexpr milliseconds kAtOnce{8'000};

class SessionFailureOver : public testing::TestWithParam<Transport> {
 protected:
  static SessionOptions options() {
    SessionOptions options = testOptions();
    options.transport = GetParam();
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(Of, SessionFailureOver, testing::ValuesIn(kTransports),
                         [](const auto& info) { return transportName(info.param); });

TEST_P(SessionFailureOver, AnOperationThatARankNeverAsksForTimesOutAndNamesIt) {
  SessionOptions options = this->options();
  options.timeout = milliseconds(300);
  const RingOfSessions ring(3, options);
  onRanks(3, [&](int rank) {
    if (rank == 1) return;
    const auto start = Clock::now();
    auto sum = startSum(ring[rank], "x", {1});
    EXPECT_TRUE(failsWith(StatusCode::kTimeout,
                          {"allreduce \"x\"", "rank 1 on host1 did not call it", "300 ms", "rank 0", "rank 2"},
                          sum.wait()));
    EXPECT_GE(since(start), milliseconds(250));
    EXPECT_LT(since(start), kAtOnce);
  });
  // The ring is broken for all, and for the same reason.
  EXPECT_TRUE(failsWith(StatusCode::kTimeout, {"rank 1 on host1", "\"y\""}, startSum(ring[1], "y", {1}).wait()));
}

TEST_P(SessionFailureOver, ARankThatLeavesFailsWhatWaitsForIt) {
  for (const int leaver : {0, 1, 2}) {
    const RingOfSessions ring(3, options());
    onRanks(3, [&](int rank) {
      if (rank == leaver) return ring[rank].close();
      const auto start = Clock::now();
      auto sum = startSum(ring[rank], "x", {1});
      EXPECT_TRUE(
          failsWith(StatusCode::kPeerLost, {"rank " + std::to_string(leaver), "has left the ring"}, sum.wait()));
      EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"has left the ring"}, startSum(ring[rank], "y", {1}).wait()));
      EXPECT_LT(since(start), kAtOnce);
    });
  }
}

// More than a frame holds.
TEST(SessionFailure, ARankMayLeaveHoweverMuchItGivesUp) {
  SessionOptions options = testOptions();
  options.timeout = milliseconds(120'000);  // the names alone are 18 MB
  options.heartbeatTimeout = milliseconds(120'000);
  const RingOfSessions ring(2, options);
  std::vector<Running> givenUp;
  for (int i = 0; i < 300; ++i) {
    givenUp.push_back(startSum(ring[1], std::to_string(i) + std::string(60'000, 'x'), {1}));
  }
  ring[1].close();
  for (Running& each : givenUp) EXPECT_EQ(each.wait().code(), StatusCode::kShutDown);
  EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"has left the ring"}, startSum(ring[0], "y", {1}).wait()));
}

TEST(SessionFailure, LeavingFailsOnesOwnWaits) {
  const RingOfSessions ring(2);
  auto sum = startSum(ring[0], "x", {1});
  ring[0].close();
  EXPECT_TRUE(failsWith(StatusCode::kShutDown, {"shut down", "\"x\""}, sum.wait()));
}

// It had asked, so all agree, but it is not there to do its part.
TEST_P(SessionFailureOver, ARankThatLeavesWithoutWhatItAskedForFailsThoseWhoAskLater) {
  for (int leaver = 0; leaver < 3; ++leaver) {
    const RingOfSessions ring(3, options());
    auto given = startSum(ring[leaver], "x", {1});
    ring[leaver].close();
    onRanks(3, [&](int rank) {
      if (rank == leaver) return;
      const auto start = Clock::now();
      auto sum = startSum(ring[rank], "x", {1});
      EXPECT_TRUE(
          failsWith(StatusCode::kPeerLost, {"rank " + std::to_string(leaver), "has left the ring"}, sum.wait()));
      EXPECT_LT(since(start), kAtOnce);
    });
  }
}

// Agreed work is finished by those who leave; what was not agreed fails. Either way no sum is wrong.
TEST_P(SessionFailureOver, LeavingDuringAnOperationGivesTheSumOrAnErrorOnEveryRank) {
  for (int round = 0; round < 12; ++round) {
    const int leaver = round % 3;
    const RingOfSessions ring(3, options());
    onRanks(3, [&](int rank) {
      auto sum = startSum(ring[rank], "x", std::vector<float>(500'000, 1.0F));
      if (rank == leaver) ring[rank].close();
      const Status status = sum.wait();
      if (status.ok()) {
        EXPECT_EQ(sum.numbers(), std::vector<float>(500'000, 3.0F));
      } else {
        EXPECT_EQ(status.code(), rank == leaver ? StatusCode::kShutDown : StatusCode::kPeerLost);
      }
    });
  }
}

// The last collective of a program: some ranks close while others still wait for its last bytes.
TEST_P(SessionFailureOver, ClosingRightAfterAnOperationSpoilsItForNobody) {
  for (int round = 0; round < 20; ++round) {
    const RingOfSessions ring(3, options());
    onRanks(3, [&](int rank) {
      auto sum = startSum(ring[rank], "x", std::vector<float>(50'000, 1.0F));
      EXPECT_TRUE(isOk(sum.wait())) << "round " << round << ", rank " << rank;
      ring[rank].close();
    });
  }
}

/// A ring of three in which rank `fake` is the test itself: it has the links of a rank, and no engine.
class WithFakeRank {
 public:
  WithFakeRank(int fake, const SessionOptions& options) : fake_(fake) {
    std::vector<PeerAddress> addresses;
    std::vector<Peer> peers;
    Listener listener = listenOnLoopback();
    for (int rank = 0; rank < 3; ++rank) {
      SessionOptions own = options;
      own.rank = rank;
      own.size = 3;
      own.tuning = tuning_;
      sessions_.push_back(Session::create(own));
      const uint16_t port = rank == fake ? listener.port() : sessions_.back()->listen("127.0.0.1").value();
      addresses.push_back({"127.0.0.1", port, "host" + std::to_string(rank), {}});
      peers.push_back({"127.0.0.1", port, rankNames(3)[static_cast<size_t>(rank)]});
    }
    onRanks(3, [&](int rank) {
      if (rank != fake) {
        EXPECT_TRUE(isOk(sessions_[static_cast<size_t>(rank)]->connect(addresses, soon())));
        return;
      }
      auto linked = linkUp(std::move(listener), testJob(), static_cast<uint32_t>(fake), options.generation, peers,
                           soon(), {.agreement = 1});
      ASSERT_TRUE(isOk(linked));
      links = std::move(linked).value();
      agreeOnTuning();
    });
  }
  ~WithFakeRank() {
    links = {};  // nobody should wait for our farewell
    onRanks(3, [&](int rank) { sessions_[static_cast<size_t>(rank)]->close(); });
  }
  Session& operator[](int rank) const { return *sessions_[static_cast<size_t>(rank)]; }

  /// Rank 0 tells the others by what algorithms are chosen.
  void agreeOnTuning() {
    Bytes record = tuningRecord(tuning_);
    if (fake_ > 0) {
      EXPECT_TRUE(isOk(links.data[0].front().receiveAll(record, soon())));
      return;
    }
    for (size_t peer : {1, 2}) EXPECT_TRUE(isOk(links.data[peer].front().sendAll(record, soon())));
  }

  /// Each real rank's failure of a sum called "x"; also checks that it came between the two times.
  void expectSumsToFail(
      StatusCode code, std::initializer_list<std::string_view> parts, milliseconds notBefore,
      const std::function<void()>& meanwhile = [] {}) {
    onRanks(3, [&](int rank) {
      if (rank == fake_) return meanwhile();
      const auto start = Clock::now();
      auto sum = startSum((*this)[rank], "x", std::vector<float>(300'000, 1.0F));
      EXPECT_TRUE(failsWith(code, parts, sum.wait())) << "on rank " << rank;
      EXPECT_GE(since(start), notBefore);
      EXPECT_LT(since(start), kAtOnce);
    });
  }
  /// Sends a frame to the coordinator.
  void sendControl(FrameType type, std::span<const std::byte> payload, uint32_t generation = testOptions().generation) {
    ByteWriter frame;
    frame.put(static_cast<uint32_t>(payload.size())).put(static_cast<uint8_t>(type)).put(uint8_t{0}).put(uint16_t{0});
    EXPECT_TRUE(isOk(links.control[0].sendAll(frame.put(generation).put(payload).bytes(), soon())));
  }
  /// Asks for the sum "x", as a real rank does.
  void askForSum() {
    ByteWriter request;
    encode(Request{sumOf("x"), {{300'000}}}, request);
    sendControl(FrameType::kReady, request.bytes());
  }
  /// Reads one frame's header and payload from the coordinator.
  void awaitVerdict() {
    Bytes header(FrameHub::kHeaderBytes);
    ASSERT_TRUE(isOk(links.control[0].receiveAll(header, soon())));
    ByteReader in(header);
    Bytes payload(in.get<uint32_t>());
    EXPECT_EQ(in.get<uint8_t>(), static_cast<uint8_t>(FrameType::kVerdict));
    ASSERT_TRUE(isOk(links.control[0].receiveAll(payload, soon())));
  }

  Links links;

 private:
  static Tuning chosen() {
    Tuning tuning;
    tuning.forced = Algorithm::kRing;
    return tuning;
  }

  const int fake_;
  const Tuning tuning_ = chosen();  // says what to choose, so that nobody measures the network with the fake rank
  std::vector<std::shared_ptr<Session>> sessions_;
};

SessionOptions quickHeartbeat() {
  SessionOptions options = testOptions();
  options.heartbeatTimeout = milliseconds(400);
  return options;
}

TEST(SessionFailure, SilenceOfARankCountsAsItsDeath) {
  WithFakeRank ring(2, quickHeartbeat());
  ring.expectSumsToFail(StatusCode::kPeerLost, {"rank 2 on host2 has been silent for 400 ms"}, milliseconds(0));
}

TEST(SessionFailure, SilenceOfTheCoordinatorCountsAsItsDeath) {
  WithFakeRank ring(0, quickHeartbeat());
  ring.expectSumsToFail(StatusCode::kPeerLost, {"rank 0 on host0 has been silent for 400 ms"}, milliseconds(0));
}

TEST(SessionFailure, HeartbeatsKeepAnIdleRingTogether) {
  SessionOptions options = quickHeartbeat();
  const RingOfSessions ring(3, options);
  // Rank 2 comes late, after several heartbeat timeouts: nothing is wrong, it only computes for long.
  std::promise<void> late;
  auto waiting = late.get_future();
  EXPECT_EQ(waiting.wait_for(options.heartbeatTimeout * 3), std::future_status::timeout);
  onRanks(3, [&](int rank) {
    auto sum = startSum(ring[rank], "x", {1});
    EXPECT_TRUE(isOk(sum.wait()));
  });
}

TEST(SessionFailure, ADeadRankIsNamedAtOnce) {
  for (const int dead : {0, 1, 2}) {
    WithFakeRank ring(dead, testOptions());
    ring.expectSumsToFail(StatusCode::kPeerLost, {"rank " + std::to_string(dead)}, milliseconds(0),
                          [&] { ring.links = {}; });
  }
}

TEST(SessionFailure, ARankThatDiesInTheMiddleOfTheDataIsNamedAtOnce) {
  for (const int dead : {1, 2}) {
    WithFakeRank ring(dead, testOptions());
    ring.expectSumsToFail(StatusCode::kPeerLost, {"rank " + std::to_string(dead) + " on host"}, milliseconds(0), [&] {
      ring.askForSum();
      ring.awaitVerdict();
      Bytes some(50'000);
      const auto left = static_cast<size_t>(dead - 1);
      EXPECT_TRUE(isOk(ring.links.data[left].front().receiveAll(some, soon())));
      EXPECT_TRUE(isOk(ring.links.data[static_cast<size_t>((dead + 1) % 3)].front().sendAll(some, soon())));
      ring.links = {};
    });
  }
}

TEST(SessionFailure, DataThatDoNotMoveTimeOut) {
  SessionOptions options = testOptions();
  options.timeout = milliseconds(3000);  // long enough for all to ask, on a busy machine too
  WithFakeRank ring(2, options);
  ring.expectSumsToFail(StatusCode::kTimeout, {"no data moved", "3000 ms", "\"x\""}, milliseconds(2500), [&] {
    ring.askForSum();
    ring.awaitVerdict();
  });
}

TEST(SessionFailure, AControlFrameThatMakesNoSenseBreaksTheRingAndNamesItsSender) {
  {
    WithFakeRank ring(2, testOptions());
    ring.expectSumsToFail(StatusCode::kInternal, {"rank 2 on host2", "makes no sense"}, milliseconds(0),
                          [&] { ring.sendControl(FrameType::kReady, randomBytes(100, 1)); });
  }
  {
    WithFakeRank ring(1, testOptions());
    ring.expectSumsToFail(StatusCode::kInternal, {"rank 1 on host1", "makes no sense"}, milliseconds(0),
                          [&] { ring.sendControl(static_cast<FrameType>(99), {}); });
  }
  {
    WithFakeRank ring(1, testOptions());
    ring.expectSumsToFail(StatusCode::kPeerLost, {"rank 1 on host1", "not of this ring"}, milliseconds(0),
                          [&] { ring.sendControl(FrameType::kHeartbeat, {}, 99); });
  }
}

TEST(SessionFailure, AFaultThatARankReportsIsEveryonesReason) {
  WithFakeRank ring(1, testOptions());
  ByteWriter fault;
  encode(Status(StatusCode::kInternal, "rank 1 ran out of luck"), fault);
  ring.expectSumsToFail(StatusCode::kInternal, {"rank 1 ran out of luck; allreduce \"x\" cannot be completed"},
                        milliseconds(0), [&] { ring.sendControl(FrameType::kFault, fault.bytes()); });
}

TEST(SessionFailure, ARankWithAnotherSecretIsRefused) {
  std::vector<std::shared_ptr<Session>> sessions;
  std::vector<PeerAddress> peers;
  for (int rank = 0; rank < 2; ++rank) {
    SessionOptions options = testOptions();
    options.rank = rank;
    options.size = 2;
    if (rank == 1) options.secret = otherSecret().secret;
    sessions.push_back(Session::create(options));
    peers.push_back({"127.0.0.1", sessions.back()->listen("127.0.0.1").value(), "host" + std::to_string(rank), {}});
  }
  onRanks(2, [&](int rank) {
    const Status status = sessions[static_cast<size_t>(rank)]->connect(peers, Deadline::in(milliseconds(1000)));
    if (rank == 0) {
      EXPECT_TRUE(failsWith(StatusCode::kTimeout, {"rank 1 on host1"}, status));
    } else {
      EXPECT_TRUE(failsWith(StatusCode::kHandshake, {"rank 0 on host0 at 127.0.0.1:", "secret"}, status));
    }
    sessions[static_cast<size_t>(rank)]->close();
  });
}

TEST(SessionFailure, ARankThatNeverComesIsNamed) {
  SessionOptions options = testOptions();
  options.size = 2;
  const auto session = Session::create(options);
  const uint16_t port = session->listen("127.0.0.1").value();
  EXPECT_TRUE(failsWith(StatusCode::kTimeout, {"rank 1 on host1"},
                        session->connect({{"127.0.0.1", port, "host0", {}}, {"127.0.0.1", 1, "host1", {}}},
                                         Deadline::in(milliseconds(100)))));
}

}  // namespace
}  // namespace tsring
