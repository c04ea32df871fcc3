#include "transport/handshake.h"

#include <algorithm>
#include <future>

#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"

namespace tsring {
namespace {

constexpr LinkIdentity kIdentity{LinkPurpose::kData, 5, 7};

/// A frame from hexadecimal digits.
template <size_t N>
std::array<std::byte, N> fromHex(std::string_view digits) {
  EXPECT_EQ(digits.size(), 2 * N);
  std::array<std::byte, N> frame;
  for (size_t i = 0; i < N; ++i) {
    frame[i] = static_cast<std::byte>(std::stoi(std::string(digits.substr(2 * i, 2)), nullptr, 16));
  }
  return frame;
}

// Made by Node's crypto module, as lib/net speaks it: both sides of the project must mean the same bytes.
const auto kKnownChallenge =
    fromHex<kChallengeBytes>("5453524701000000808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
const auto kKnownProof = fromHex<kProofBytes>(
    "54535247010003000500000007000000027628c2387fc5781b9de4cec81e1600c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7"
    "d8d9dadbdcdddedf4e448b5a84644e3c997739d3465caef1b37fb91ba58a35f61fa5075bbd551abc");
const auto kKnownAccept =
    fromHex<kAcceptBytes>("545352470100000082d05b29fe66483d494371550a98ab151a352ed5b8c1924863252a3796527885");

TEST(Handshake, SpeaksTheSameBytesAsTheStore) {
  EXPECT_TRUE(isOk(checkChallenge(kKnownChallenge)));
  const auto identity = checkProof(testJob(), kKnownChallenge, kKnownProof);
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->purpose, kIdentity.purpose);
  EXPECT_EQ(identity->rank, kIdentity.rank);
  EXPECT_EQ(identity->generation, kIdentity.generation);
  EXPECT_EQ(makeAccept(testJob(), kKnownChallenge, kKnownProof), kKnownAccept);
  EXPECT_TRUE(checkAccept(testJob(), kKnownChallenge, kKnownProof, kKnownAccept));
}

TEST(Handshake, WhoKnowsTheSecretIsBelieved) {
  const auto challenge = makeChallenge();
  const auto proof = makeProof(testJob(), challenge, kIdentity);
  const auto identity = checkProof(testJob(), challenge, proof);
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->rank, 5u);
  EXPECT_TRUE(checkAccept(testJob(), challenge, proof, makeAccept(testJob(), challenge, proof)));
}

TEST(Handshake, AnotherSecretOrJobIsNot) {
  JobCredentials otherJob = testJob();
  otherJob.jobId = "the-job2";
  for (const JobCredentials& other : {otherSecret(), otherJob}) {
    const auto challenge = makeChallenge();
    EXPECT_FALSE(checkProof(testJob(), challenge, makeProof(other, challenge, kIdentity)));
  }
  const auto challenge = makeChallenge();
  const auto proof = makeProof(testJob(), challenge, kIdentity);
  EXPECT_FALSE(checkAccept(testJob(), challenge, proof, makeAccept(otherSecret(), challenge, proof)));
}

TEST(Handshake, AReplayedProofOrAcceptIsWorthless) {
  const auto first = makeChallenge();
  const auto second = makeChallenge();
  EXPECT_NE(first, second);
  const auto proof = makeProof(testJob(), first, kIdentity);
  EXPECT_FALSE(checkProof(testJob(), second, proof));
  const auto again = makeProof(testJob(), first, kIdentity);
  EXPECT_NE(proof, again);
  EXPECT_FALSE(checkAccept(testJob(), first, again, makeAccept(testJob(), first, proof)));
}

// One side's mac is no use as the other's: a listener's answer cannot be reflected to it.
TEST(Handshake, AMacDoesNotPassForTheOtherSides) {
  const auto challenge = makeChallenge();
  ProofFrame proof = makeProof(testJob(), challenge, kIdentity);
  AcceptFrame accept = makeAccept(testJob(), challenge, proof);
  std::copy_n(proof.end() - 32, 32, accept.end() - 32);
  EXPECT_FALSE(checkAccept(testJob(), challenge, proof, accept));
}

TEST(Handshake, AChangedBitAnywhereIsNoticed) {
  const auto challenge = makeChallenge();
  const auto proof = makeProof(testJob(), challenge, kIdentity);
  const auto accept = makeAccept(testJob(), challenge, proof);
  for (size_t bit = 0; bit < 8 * kProofBytes; ++bit) {
    ProofFrame changed = proof;
    changed[bit / 8] ^= std::byte{1} << (bit % 8);
    ASSERT_FALSE(checkProof(testJob(), challenge, changed)) << "bit " << bit;
  }
  for (size_t bit = 0; bit < 8 * kAcceptBytes; ++bit) {
    AcceptFrame changed = accept;
    changed[bit / 8] ^= std::byte{1} << (bit % 8);
    ASSERT_FALSE(checkAccept(testJob(), challenge, proof, changed)) << "bit " << bit;
  }
  for (size_t bit = 0; bit < 8 * kChallengeBytes; ++bit) {
    ChallengeFrame changed = challenge;
    changed[bit / 8] ^= std::byte{1} << (bit % 8);
    ASSERT_FALSE(checkProof(testJob(), challenge, makeProof(testJob(), changed, kIdentity))) << "bit " << bit;
  }
}

TEST(Handshake, AnotherProgramAndAnotherVersionAreToldApart) {
  ChallengeFrame other = makeChallenge();
  other[0] ^= std::byte{1};
  EXPECT_TRUE(failsWith(StatusCode::kHandshake, {"another program"}, checkChallenge(other)));
  ChallengeFrame newer = makeChallenge();
  newer[4] = std::byte{2};
  EXPECT_TRUE(failsWith(StatusCode::kHandshake, {"version 2", "this side 1"}, checkChallenge(newer)));
}

/// What introduce() makes of a listener that does as `listener` says.
Status introduceTo(const std::function<void(Socket&)>& listener, Deadline deadline = soon()) {
  SocketPair pair = connectedPair();
  auto caller = std::async(std::launch::async, [&] { return introduce(pair.caller, testJob(), kIdentity, deadline); });
  listener(pair.called);
  return caller.get();
}

TEST(Introduce, ConvincesAListenerOfTheSameJob) {
  EXPECT_TRUE(isOk(introduceTo([](Socket& socket) {
    const auto challenge = makeChallenge();
    ASSERT_TRUE(isOk(socket.sendAll(challenge, soon())));
    ProofFrame proof;
    ASSERT_TRUE(isOk(socket.receiveAll(proof, soon())));
    EXPECT_TRUE(checkProof(testJob(), challenge, proof));
    ASSERT_TRUE(isOk(socket.sendAll(makeAccept(testJob(), challenge, proof), soon())));
  })));
}

TEST(Introduce, ReportsAnotherProgram) {
  EXPECT_TRUE(failsWith(
      StatusCode::kHandshake, {"another program"}, introduceTo([](Socket& socket) {
        ASSERT_TRUE(isOk(socket.sendAll(bytesOf("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), soon())));
      })));
}

TEST(Introduce, ReportsAListenerThatHangsUpOnTheProof) {
  EXPECT_TRUE(failsWith(StatusCode::kHandshake, {"closed the connection", "secret"}, introduceTo([](Socket& socket) {
                          ASSERT_TRUE(isOk(socket.sendAll(makeChallenge(), soon())));
                          ProofFrame proof;
                          ASSERT_TRUE(isOk(socket.receiveAll(proof, soon())));
                          socket.close();
                        })));
}

TEST(Introduce, DoesNotBelieveAListenerWithoutTheSecret) {
  EXPECT_TRUE(failsWith(StatusCode::kHandshake, {"does not know"}, introduceTo([](Socket& socket) {
                          const auto challenge = makeChallenge();
                          ASSERT_TRUE(isOk(socket.sendAll(challenge, soon())));
                          ProofFrame proof;
                          ASSERT_TRUE(isOk(socket.receiveAll(proof, soon())));
                          ASSERT_TRUE(isOk(socket.sendAll(makeAccept(otherSecret(), challenge, proof), soon())));
                        })));
}

TEST(Introduce, TellsWhichSideEncrypts) {
  const auto challenging = [](Encryption encryption) {
    return [=](Socket& socket) { ASSERT_TRUE(isOk(socket.sendAll(makeChallenge(encryption), soon()))); };
  };
  EXPECT_TRUE(failsWith(StatusCode::kHandshake, {"it encrypts, and this rank does not", "--encrypt"},
                        introduceTo(challenging(Encryption::kRequired))));
  SocketPair pair = connectedPair();
  const auto tls = tlsOf(testJob());
  JobCredentials job = testJob();
  job.tls = tls.get();
  challenging(Encryption::kNone)(pair.called);
  EXPECT_TRUE(failsWith(StatusCode::kHandshake, {"this rank encrypts, and it does not"},
                        introduce(pair.caller, job, kIdentity, soon())));
}

TEST(Introduce, GivesUpOnASilentListenerAtTheDeadline) {
  const auto start = Clock::now();
  EXPECT_TRUE(failsWith(StatusCode::kTimeout, {}, introduceTo([](Socket&) {}, Deadline::in(milliseconds(50)))));
  EXPECT_GE(since(start), milliseconds(50));
}

}  // namespace
}  // namespace tsring
