#include "transport/tcp/acceptor.h"

#include <future>

#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"

namespace tsring {
namespace {

constexpr uint32_t kGeneration = 4;

/// Rank 0 of two, waiting for rank 1, while a test plays whoever calls.
class AcceptorTest : public testing::Test {
 protected:
  AcceptorTest() {
    running_ = std::async(std::launch::async, [this] { return acceptor_.run(peers(), soon()); });
  }
  ~AcceptorTest() override {
    acceptor_.stop();
    if (running_.valid()) running_.wait();
  }

  static std::vector<Peer> peers() {
    return {{"127.0.0.1", 0, "rank 0 on host0"}, {"127.0.0.1", 0, "rank 1 on host1"}};
  }

  Socket call() { return callLoopback(port_); }
  /// Calls and introduces itself; the socket is kept in `links_` when that went well.
  Status introduceAs(LinkIdentity identity, const JobCredentials& job = testJob()) {
    Socket socket = call();
    Status status = introduce(socket, job, identity, soon());
    if (status.ok()) links_.push_back(std::move(socket));
    return status;
  }
  /// The two links that rank 1 owes; run() ends with the second.
  void expectRankOneToGetIn() {
    EXPECT_TRUE(isOk(introduceAs({LinkPurpose::kData, 1, kGeneration})));
    EXPECT_TRUE(isOk(introduceAs({LinkPurpose::kControl, 1, kGeneration})));
    EXPECT_TRUE(isOk(running_.get()));
    const Links links = acceptor_.take();
    EXPECT_TRUE(links.data[1][0]);
    EXPECT_TRUE(links.control[1]);
    EXPECT_FALSE(links.data[0][0]);
  }
  void expectRefused(LinkIdentity identity, const JobCredentials& job = testJob()) {
    EXPECT_TRUE(failsWith(StatusCode::kHandshake, {"closed the connection"}, introduceAs(identity, job)));
  }

 private:
  Listener listener_ = listenOnLoopback();
  const uint16_t port_ = listener_.port();
  const JobCredentials job_ = testJob();

 protected:
  Acceptor acceptor_{std::move(listener_), job_, 0, kGeneration, 2};
  std::future<Status> running_;
  std::vector<Socket> links_;
};

TEST_F(AcceptorTest, TakesInWhoeverItWaitsFor) {
  expectRankOneToGetIn();
}

TEST_F(AcceptorTest, HangsUpOnGarbage) {
  Socket stranger = call();
  ASSERT_TRUE(isOk(stranger.sendAll(randomBytes(1 << 16, 1), soon())));
  EXPECT_TRUE(endsWithin(stranger, soon()));
  expectRankOneToGetIn();
}

TEST_F(AcceptorTest, IsNotHeldUpByHalfAProofOrByIdleCallers) {
  Socket half = call();
  ASSERT_TRUE(isOk(half.sendAll(randomBytes(kProofBytes / 2, 1), soon())));
  std::vector<Socket> idle;
  for (int i = 0; i < 20; ++i) idle.push_back(call());
  Socket gone = call();
  gone.close();
  expectRankOneToGetIn();
}

TEST_F(AcceptorTest, AFloodOfIdleCallersPushesOutItsOwn) {
  std::vector<Socket> flood;
  for (int i = 0; i < 200; ++i) flood.push_back(call());
  EXPECT_TRUE(endsWithin(flood.front(), soon()));
  expectRankOneToGetIn();
}

TEST_F(AcceptorTest, RefusesAnotherSecretAndAnotherJob) {
  expectRefused({LinkPurpose::kData, 1, kGeneration}, otherSecret());
  JobCredentials otherJob = testJob();
  otherJob.jobId = "another";
  expectRefused({LinkPurpose::kData, 1, kGeneration}, otherJob);
  expectRankOneToGetIn();
}

TEST_F(AcceptorTest, RefusesLinksThatThisRingDoesNotHave) {
  expectRefused({LinkPurpose::kData, 1, kGeneration - 1});
  expectRefused({LinkPurpose::kData, 0, kGeneration});
  expectRefused({LinkPurpose::kData, 2, kGeneration});
  expectRefused({LinkPurpose::kData, UINT32_MAX, kGeneration});
  expectRefused({LinkPurpose::kStore, 1, kGeneration});
  expectRefused({static_cast<LinkPurpose>(77), 1, kGeneration});
  expectRankOneToGetIn();
}

TEST_F(AcceptorTest, RefusesASecondLinkOfTheSameKindAndKeepsTheFirst) {
  EXPECT_TRUE(isOk(introduceAs({LinkPurpose::kData, 1, kGeneration})));
  expectRefused({LinkPurpose::kData, 1, kGeneration});
  EXPECT_TRUE(isOk(introduceAs({LinkPurpose::kControl, 1, kGeneration})));
  EXPECT_TRUE(isOk(running_.get()));
  Links links = acceptor_.take();
  ASSERT_TRUE(isOk(links_.front().sendAll(bytesOf("1st"), soon())));
  Bytes got(3);
  EXPECT_TRUE(isOk(links.data[1][0].receiveAll(got, soon())));
  EXPECT_EQ(got, bytesOf("1st"));
}

TEST_F(AcceptorTest, RefusesAReplayedProof) {
  Socket first = call();
  ChallengeFrame challenge;
  ASSERT_TRUE(isOk(first.receiveAll(challenge, soon())));
  const ProofFrame proof = makeProof(testJob(), challenge, {LinkPurpose::kData, 1, kGeneration});
  first.close();
  Socket second = call();
  ASSERT_TRUE(isOk(second.receiveAll(challenge, soon())));
  ASSERT_TRUE(isOk(second.sendAll(proof, soon())));
  EXPECT_TRUE(endsWithin(second, soon()));
  expectRankOneToGetIn();
}

TEST_F(AcceptorTest, AProofMayComeByteByByte) {
  Socket slow = call();
  ChallengeFrame challenge;
  ASSERT_TRUE(isOk(slow.receiveAll(challenge, soon())));
  const ProofFrame proof = makeProof(testJob(), challenge, {LinkPurpose::kControl, 1, kGeneration});
  for (const std::byte& byte : proof) ASSERT_TRUE(isOk(slow.sendAll({&byte, 1}, soon())));
  AcceptFrame accept;
  EXPECT_TRUE(isOk(slow.receiveAll(accept, soon())));
  EXPECT_TRUE(checkAccept(testJob(), challenge, proof, accept));
}

TEST_F(AcceptorTest, StopEndsTheWait) {
  acceptor_.stop();
  EXPECT_EQ(running_.get().code(), StatusCode::kShutDown);
}

TEST(Acceptor, NamesWhoIsMissingAtTheDeadline) {
  const JobCredentials job = testJob();
  Acceptor acceptor(listenOnLoopback(), job, 1, 0, 4);
  std::vector<Peer> peers;
  for (const auto& name : rankNames(4)) peers.push_back({"127.0.0.1", 0, name});
  EXPECT_TRUE(failsWith(StatusCode::kTimeout, {"rank 2 on host2, rank 3 on host3"},
                        acceptor.run(peers, Deadline::in(milliseconds(50)))));
}

}  // namespace
}  // namespace tsring
