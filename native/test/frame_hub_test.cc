#include "transport/tcp/frame_hub.h"

#include <map>
#include <thread>

#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"

namespace tsring {
namespace {

constexpr uint32_t kHubGeneration = 9;

Bytes frame(uint8_t type, std::span<const std::byte> payload, uint32_t generation = kHubGeneration) {
  return ByteWriter()
      .put(static_cast<uint32_t>(payload.size()))
      .put(type)
      .put(uint8_t{0})
      .put(uint16_t{0})
      .put(generation)
      .put(payload)
      .take();
}

/// A hub of rank 0 with one peer, rank 1, whose end of the link is a plain socket in the test's hands.
class FrameHubTest : public testing::Test {
 protected:
  struct Frame {
    uint8_t type;
    Bytes payload;
  };

  FrameHub makeHub() {
    SocketPair pair = connectedPair();
    peer_ = std::move(pair.caller);
    std::vector<Socket> links(2);
    links[1] = std::move(pair.called);
    return FrameHub(std::move(links), kHubGeneration,
                    {[this](int, uint8_t type, ByteReader payload) {
                       const auto bytes = payload.raw(payload.left());
                       frames_.push_back({type, Bytes(bytes.begin(), bytes.end())});
                     },
                     [this](int peer, const Status& reason) {
                       EXPECT_EQ(peer, 1);
                       lost_.push_back(reason);
                     }});
  }
  void peerSends(std::span<const std::byte> bytes) { ASSERT_TRUE(isOk(peer_.sendAll(bytes, soon()))); }
  /// Polls until `count` frames have come, or the link is lost.
  void pollFor(size_t count) {
    const Deadline deadline = soon();
    while (frames_.size() < count && lost_.empty() && !deadline.passed()) hub_.poll(deadline);
  }
  void expectLost(std::string_view why) {
    pollFor(frames_.size() + 1);
    ASSERT_EQ(lost_.size(), 1u);
    EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {why}, lost_[0]));
    EXPECT_FALSE(hub_.linked(1));
    EXPECT_TRUE(endsWithin(peer_, soon()));
  }

  Socket peer_;
  std::vector<Frame> frames_;
  std::vector<Status> lost_;
  FrameHub hub_ = makeHub();
};

TEST_F(FrameHubTest, CutsWhatArrivesIntoFramesHoweverItWasSent) {
  const Bytes payload = bytesOf("payload");
  Bytes all;
  for (uint8_t type = 1; type <= 50; ++type) {
    const Bytes one = frame(type, std::span(payload).first(type % 8));
    all.insert(all.end(), one.begin(), one.end());
  }
  peerSends(all);  // many in one read
  pollFor(50);
  const std::span rest(all);
  for (size_t i = 0; i < rest.size(); i += 5) {  // and a few bytes at a time
    peerSends(rest.subspan(i, std::min<size_t>(5, rest.size() - i)));
    hub_.poll(Deadline::in(milliseconds(0)));
  }
  pollFor(100);
  ASSERT_EQ(frames_.size(), 100u);
  for (size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(frames_[i].type, i % 50 + 1);
    EXPECT_EQ(frames_[i].payload.size(), (i % 50 + 1) % 8);
  }
  EXPECT_TRUE(lost_.empty());
}

TEST_F(FrameHubTest, WaitsForTheRestOfAHalfFrame) {
  const Bytes whole = frame(3, bytesOf("whole"));
  peerSends(std::span(whole).first(14));
  hub_.poll(soon());
  hub_.poll(Deadline::in(milliseconds(10)));
  EXPECT_TRUE(frames_.empty());
  peerSends(std::span(whole).subspan(14));
  pollFor(1);
  EXPECT_EQ(frames_.at(0).payload, bytesOf("whole"));
}

TEST_F(FrameHubTest, CarriesAFrameOfTheLargestSizeBothWays) {
  const Bytes payload = randomBytes(FrameHub::kMaxPayloadBytes, 1);
  std::jthread peer([&] {
    Bytes got(FrameHub::kHeaderBytes + payload.size());
    EXPECT_TRUE(isOk(peer_.receiveAll(got, soon())));
    EXPECT_TRUE(isOk(peer_.sendAll(got, soon())));
  });
  hub_.send(1, 7, payload);
  pollFor(1);
  ASSERT_EQ(frames_.size(), 1u);
  EXPECT_TRUE(frames_[0].payload == payload);
}

TEST_F(FrameHubTest, DropsAPeerWhoseFrameIsTooLong) {
  peerSends(ByteWriter()
                .put(static_cast<uint32_t>(FrameHub::kMaxPayloadBytes + 1))
                .put(uint32_t{1})
                .put(kHubGeneration)
                .bytes());
  expectLost("not of this ring");
}

TEST_F(FrameHubTest, DropsAPeerOfAnotherGeneration) {
  peerSends(frame(1, bytesOf("good")));
  pollFor(1);
  peerSends(frame(1, bytesOf("old"), kHubGeneration - 1));
  expectLost("not of this ring");
  EXPECT_EQ(frames_.size(), 1u);
}

TEST_F(FrameHubTest, DropsAPeerThatFillsTheReservedBytes) {
  Bytes bad = frame(1, {});
  bad[6] = std::byte{1};
  peerSends(bad);
  expectLost("not of this ring");
}

TEST_F(FrameHubTest, HandsOutWhatCameBeforeTheEndAndThenTellsOfIt) {
  peerSends(frame(1, bytesOf("last words")));
  peer_.finishSending();
  expectLost("closed");
  ASSERT_EQ(frames_.size(), 1u);
  EXPECT_EQ(frames_[0].payload, bytesOf("last words"));
  hub_.send(1, 1, bytesOf("to nobody"));
}

TEST_F(FrameHubTest, WakeEndsAPollFromAnotherThread) {
  std::jthread waker([&] { hub_.wake(); });
  const auto start = Clock::now();
  hub_.poll(soon());
  EXPECT_LT(since(start), milliseconds(10'000));
  EXPECT_TRUE(frames_.empty());
}

TEST_F(FrameHubTest, NotesWhenItLastHeardOfAPeer) {
  const auto before = hub_.lastHeard(1);
  peerSends(frame(5, {}));
  pollFor(1);
  EXPECT_GT(hub_.lastHeard(1), before);
}

TEST_F(FrameHubTest, FinishSaysGoodbyeAndReadsOnUntilThePeerDoes) {
  hub_.send(1, 6, {});
  std::jthread peer([&] {
    Bytes got(FrameHub::kHeaderBytes);
    EXPECT_TRUE(isOk(peer_.receiveAll(got, soon())));
    EXPECT_EQ(peer_.receiveAll(got, soon()).code(), StatusCode::kPeerLost);  // the end of the stream
    EXPECT_TRUE(isOk(peer_.sendAll(frame(2, bytesOf("late")), soon())));
    peer_.finishSending();
  });
  hub_.finish(soon());
  EXPECT_FALSE(hub_.linked(1));
  ASSERT_EQ(frames_.size(), 1u);
  EXPECT_EQ(frames_[0].payload, bytesOf("late"));
}

TEST_F(FrameHubTest, FinishDeliversWhatIsStillWaitingToBeSent) {
  const Bytes payload = randomBytes(FrameHub::kMaxPayloadBytes, 2);
  hub_.send(1, 2, payload);  // more than the system takes in while nobody reads
  std::jthread peer([&] {
    Bytes got(FrameHub::kHeaderBytes + payload.size());
    EXPECT_TRUE(isOk(peer_.receiveAll(got, soon())));
    EXPECT_TRUE(std::equal(payload.begin(), payload.end(), got.begin() + FrameHub::kHeaderBytes));
    peer_.close();
  });
  hub_.finish(soon());
}

TEST_F(FrameHubTest, FinishGivesUpOnASilentPeerAtTheDeadline) {
  const auto start = Clock::now();
  hub_.finish(Deadline::in(milliseconds(50)));
  EXPECT_GE(since(start), milliseconds(50));
  EXPECT_TRUE(hub_.linked(1));
}

}  // namespace
}  // namespace tsring
