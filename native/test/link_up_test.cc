#include "transport/tcp/link_up.h"

#include <atomic>
#include <future>
#include <tuple>

#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"

namespace tsring {
namespace {

/// Listeners of `size` ranks, and where they are.
struct Listeners {
  explicit Listeners(int size) {
    for (const auto& name : rankNames(size)) {
      listeners.push_back(listenOnLoopback());
      peers.push_back({"127.0.0.1", listeners.back().port(), name});
    }
  }
  Result<Links> linkUp(int rank, const JobCredentials& job, Deadline deadline, LinkCounts counts = {}) {
    return tsring::linkUp(std::move(listeners[static_cast<size_t>(rank)]), job, static_cast<uint32_t>(rank), 0, peers,
                          deadline, counts);
  }
  std::vector<Listener> listeners;
  std::vector<Peer> peers;
};

/// Sends one byte, the sender's rank, and checks that the other side's is `peer`'s.
void expectLinkTo(Socket& socket, int rank, int peer) {
  ASSERT_TRUE(socket);
  const auto own = static_cast<std::byte>(rank);
  std::byte other{255};
  EXPECT_TRUE(isOk(socket.sendAll({&own, 1}, soon())));
  EXPECT_TRUE(isOk(socket.receiveAll({&other, 1}, soon())));
  EXPECT_EQ(static_cast<int>(other), peer);
}

TEST(LinkUp, GivesEveryPairADataLinkAndRankZeroAControlLinkToEach) {
  for (int size = 2; size <= 5; ++size) {
    Listeners ranks(size);
    onRanks(size, [&](int rank) {
      auto links = ranks.linkUp(rank, testJob(), soon());
      ASSERT_TRUE(isOk(links));
      for (int peer = 0; peer < size; ++peer) {
        Socket& data = links.value().data[static_cast<size_t>(peer)].front();
        Socket& control = links.value().control[static_cast<size_t>(peer)];
        if (peer == rank) {
          EXPECT_FALSE(data);
        } else {
          expectLinkTo(data, rank, peer);
        }
        if (peer != rank && (peer == 0 || rank == 0)) {
          expectLinkTo(control, rank, peer);
        } else {
          EXPECT_FALSE(control);
        }
      }
    });
  }
}

TEST(LinkUp, GivesEveryPairAsManyDataLinksAsWereAskedFor) {
  constexpr int kSize = 3;
  Listeners ranks(kSize);
  onRanks(kSize, [&](int rank) {
    auto links = ranks.linkUp(rank, testJob(), soon(), {.data = 4, .agreement = 1});
    ASSERT_TRUE(isOk(links));
    for (int peer = 0; peer < kSize; ++peer) {
      if (peer == rank) continue;
      auto& data = links.value().data[static_cast<size_t>(peer)];
      ASSERT_EQ(data.size(), 4u);
      for (Socket& socket : data) expectLinkTo(socket, rank, peer);
      expectLinkTo(links.value().agreement[static_cast<size_t>(peer)], rank, peer);
    }
  });
}

// Idle callers, garbage and a flood, all the time that the ranks need to find each other.
TEST(LinkUp, GoesOnWhileStrangersKnock) {
  constexpr int kSize = 3;
  Listeners ranks(kSize);
  std::atomic<bool> linked = false;
  std::jthread strangers([&] {
    std::vector<Socket> open;
    for (unsigned i = 0; !linked && i < 2000; ++i) {
      for (const Peer& peer : ranks.peers) {
        auto stranger = Socket::connect(peer.host, peer.port, soon());
        if (!stranger.ok()) continue;  // that rank is done, and listens no more
        if (i % 2) std::ignore = stranger.value().trySend(randomBytes(i % 200, i));
        open.push_back(std::move(stranger).value());
      }
      if (open.size() > 200) open.erase(open.begin(), open.begin() + 100);
    }
  });
  onRanks(kSize, [&](int rank) { EXPECT_TRUE(isOk(ranks.linkUp(rank, testJob(), soon()))) << "rank " << rank; });
  linked = true;
}

TEST(LinkUp, RefusesARankWithAnotherSecretOnBothSides) {
  Listeners ranks(2);
  auto good = std::async(std::launch::async,
                         [&] { return ranks.linkUp(0, testJob(), Deadline::in(milliseconds(1000))).status(); });
  const std::string address = "127.0.0.1:" + std::to_string(ranks.peers[0].port);
  EXPECT_TRUE(failsWith(StatusCode::kHandshake, {"rank 0 on host0 at " + address, "secret"},
                        ranks.linkUp(1, otherSecret(), soon()).status()));
  EXPECT_TRUE(failsWith(StatusCode::kTimeout, {"rank 1 on host1"}, good.get()));
}

TEST(LinkUp, NamesARankThatDoesNotListen) {
  Listeners ranks(2);
  ranks.listeners[0] = Listener();
  EXPECT_TRUE(failsWith(StatusCode::kConnect, {"rank 0 on host0"}, ranks.linkUp(1, testJob(), soon()).status()));
}

TEST(LinkUp, NamesARankThatNeverAnswers) {
  Listeners ranks(2);  // the system takes the connection in, nobody speaks
  EXPECT_TRUE(failsWith(StatusCode::kTimeout, {"rank 0 on host0"},
                        ranks.linkUp(1, testJob(), Deadline::in(milliseconds(100))).status()));
}

}  // namespace
}  // namespace tsring
