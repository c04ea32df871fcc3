#include "transport/mesh.h"

#include <future>

#include "test/helpers/meshes.h"
#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"

// What every kind of data link must do, tried on each of them.

namespace tsring {
namespace {

constexpr size_t kRoom = 64 << 10;  // in a link of memory

struct MeshKind {
  std::string name;
  std::function<Meshes(int size)> connect;
};

class MeshContract : public testing::TestWithParam<MeshKind> {
 protected:
  Meshes connect(int size) const { return GetParam().connect(size); }
};

TEST_P(MeshContract, KnowsItsRankAndSize) {
  const Meshes ranks = connect(3);
  for (int rank = 0; rank < 3; ++rank) {
    EXPECT_EQ(ranks[static_cast<size_t>(rank)]->rank(), rank);
    EXPECT_EQ(ranks[static_cast<size_t>(rank)]->size(), 3);
  }
}

TEST_P(MeshContract, CarriesBytesInOrderBetweenEveryPair) {
  const Meshes ranks = connect(3);
  onRanks(3, [&](int rank) {
    Mesh& mesh = *ranks[static_cast<size_t>(rank)];
    for (const int shift : {1, 2}) {
      const int right = (rank + shift) % 3;
      const int left = (rank + 3 - shift) % 3;
      const Bytes mine = randomBytes(10'007, static_cast<unsigned>(rank));
      EXPECT_TRUE(isOk(sendAll(mesh, right, mine)));
      Bytes theirs(mine.size());
      EXPECT_TRUE(isOk(receiveAll(mesh, left, theirs)));
      EXPECT_EQ(theirs, randomBytes(10'007, static_cast<unsigned>(left)));
    }
  });
}

TEST_P(MeshContract, MovesNothingWhenNothingIsThere) {
  const Meshes ranks = connect(2);
  Bytes bytes(16);
  EXPECT_EQ(ranks[0]->tryReceive(1, bytes).value(), 0u);
}

TEST_P(MeshContract, StopsTakingBytesInWhenNobodyReadsAndGoesOnWhenSomebodyDoes) {
  const Meshes ranks = connect(2);
  const Bytes bytes = randomBytes(32 << 20, 1);
  const Interest room[] = {{1, true, false}};
  size_t sent = 0;
  while (sent < bytes.size()) {
    if (ranks[0]->wait(room, Deadline::in(milliseconds(20))).code() == StatusCode::kTimeout) break;
    sent += ranks[0]->trySend(1, std::span(bytes).subspan(sent)).value();
  }
  ASSERT_LT(sent, bytes.size());
  auto waiting = std::async(std::launch::async, [&] { return ranks[0]->wait(room, soon()); });
  Bytes got(sent);
  EXPECT_TRUE(isOk(receiveAll(*ranks[1], 0, got)));
  EXPECT_TRUE(isOk(waiting.get()));
  EXPECT_TRUE(std::equal(got.begin(), got.end(), bytes.begin()));
}

TEST_P(MeshContract, AWaitEndsWithKTimeoutAtItsDeadline) {
  const Meshes ranks = connect(3);
  const Interest arrivals[] = {{1, false, true}, {2, false, true}};
  const auto start = Clock::now();
  EXPECT_EQ(ranks[0]->wait(arrivals, Deadline::in(milliseconds(30))).code(), StatusCode::kTimeout);
  EXPECT_GE(since(start), milliseconds(30));
}

TEST_P(MeshContract, AWaitEndsWhenAnyOfItsPeersHasSent) {
  const Meshes ranks = connect(3);
  const Interest arrivals[] = {{1, false, true}, {2, false, true}};
  auto waiting = std::async(std::launch::async, [&] {
    Bytes got(5);
    while (got[0] == std::byte{0}) {
      if (Status s = ranks[0]->wait(arrivals, soon()); !s.ok()) return s;
      if (auto some = ranks[0]->tryReceive(2, got); !some.ok()) return some.status();
    }
    return Status::okay();
  });
  EXPECT_TRUE(isOk(sendAll(*ranks[2], 0, bytesOf("hello"))));
  EXPECT_TRUE(isOk(waiting.get()));
}

TEST_P(MeshContract, AnInterruptEndsTheRunningWaitAndEveryLaterOne) {
  const Meshes ranks = connect(2);
  const Interest arrival[] = {{1, false, true}};
  auto waiting = std::async(std::launch::async, [&] { return ranks[0]->wait(arrival, soon()); });
  ranks[0]->interrupt();
  EXPECT_EQ(waiting.get().code(), StatusCode::kShutDown);
  EXPECT_EQ(ranks[0]->wait(arrival, soon()).code(), StatusCode::kShutDown);
  const Interest room[] = {{1, true, false}};
  EXPECT_EQ(ranks[0]->wait(room, soon()).code(), StatusCode::kShutDown);
}

TEST_P(MeshContract, APeerThatIsGoneIsNamedAfterItsLastByte) {
  Meshes ranks = connect(3);
  EXPECT_TRUE(isOk(sendAll(*ranks[1], 0, bytesOf("last"))));
  ranks[1].reset();
  Bytes got(4);
  EXPECT_TRUE(isOk(receiveAll(*ranks[0], 1, got)));
  EXPECT_EQ(got, bytesOf("last"));
  EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"rank 1"}, receiveAll(*ranks[0], 1, got)));
  EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"rank 1"}, sendAll(*ranks[0], 1, Bytes(32 << 20))));
  EXPECT_TRUE(isOk(sendAll(*ranks[0], 2, bytesOf("next"))));  // the others are still there
  EXPECT_TRUE(isOk(receiveAll(*ranks[2], 0, got)));
}

INSTANTIATE_TEST_SUITE_P(
    Of, MeshContract,
    testing::Values(MeshKind{"Tcp", tcpMeshes}, MeshKind{"Tls", encryptedMeshes},
                    MeshKind{"Striped", [](int size) { return stripedMeshes(size, connectedPair, 3); }},
                    MeshKind{"StripedTls", [](int size) { return stripedMeshes(size, encryptedPair, 2); }},
                    MeshKind{"Memory", [](int size) { return memoryMeshes(size, {}, kRoom); }},
                    MeshKind{"MemoryInShortPieces",
                             [](int size) { return memoryMeshes(size, {.mostBytesPerCall = 60'000}, kRoom); }},
                    MeshKind{"MemoryWithDelay",
                             [](int size) { return memoryMeshes(size, {.delay = milliseconds(2)}, kRoom); }}),
    [](const auto& info) { return info.param.name; });

// The faults that tests rely on.

TEST(MemoryNetwork, ACutLinkEndsForBothAfterItsLastByte) {
  MemoryNetwork network(2);
  network.disturb(0, 1, {.cutAfter = 10});
  const auto a = network.join(0), b = network.join(1);
  EXPECT_EQ(a->trySend(1, Bytes(20)).value(), 10u);
  EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"rank 1"}, a->trySend(1, Bytes(1)).status()));
  Bytes got(20);
  EXPECT_EQ(b->tryReceive(0, got).value(), 10u);
  EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"rank 0"}, b->tryReceive(0, got).status()));
}

TEST(MemoryNetwork, AStalledLinkSwallowsTheRestAndTheEnd) {
  MemoryNetwork network(2);
  network.disturb(0, 1, {.stallAfter = 10});
  auto a = network.join(0);
  const auto b = network.join(1);
  EXPECT_EQ(a->trySend(1, Bytes(20)).value(), 20u);
  a.reset();
  Bytes got(20);
  EXPECT_EQ(b->tryReceive(0, got).value(), 10u);
  EXPECT_EQ(b->tryReceive(0, got).value(), 0u);
  const Interest arrival[] = {{0, false, true}};
  EXPECT_EQ(b->wait(arrival, Deadline::in(milliseconds(10))).code(), StatusCode::kTimeout);
}

}  // namespace
}  // namespace tsring
