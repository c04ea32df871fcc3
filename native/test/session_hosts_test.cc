#include "engine/session.h"
#include "test/helpers/ring_of_sessions.h"
#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"

// Rings over several hosts, as far as the ranks know: those of one letter share memory.

namespace tsring {
namespace {

SessionOptions optionsOf(Transport transport) {
  SessionOptions options = testOptions();
  options.transport = transport;
  return options;
}

std::vector<float> tensorOf(int rank, size_t count) {
  std::vector<float> numbers(count);
  for (size_t i = 0; i < count; ++i) numbers[i] = static_cast<float>((i + static_cast<size_t>(rank)) % 5);
  return numbers;
}

void expectRightSums(const RingOfSessions& ring, size_t count) {
  std::vector<float> expected(count);
  for (int rank = 0; rank < ring.size(); ++rank) {
    const auto numbers = tensorOf(rank, count);
    for (size_t i = 0; i < count; ++i) expected[i] += numbers[i];
  }
  onRanks(ring.size(), [&](int rank) {
    auto sum = startSum(ring[rank], "sum of " + std::to_string(count), tensorOf(rank, count));
    ASSERT_TRUE(isOk(sum.wait()));
    EXPECT_TRUE(sum.numbers() == expected);
  });
}

std::string nameOf(const std::string& hosts, Transport transport) {
  return hosts + (transport == Transport::kAuto ? "_Auto" : "_Tcp");
}

class SessionOn : public testing::TestWithParam<std::tuple<const char*, Transport>> {};

TEST_P(SessionOn, SeveralHostsDoesWhatItDoesOnOne) {
  const auto [hosts, transport] = GetParam();
  const RingOfSessions ring(hosts, optionsOf(transport));
  for (const size_t count : {size_t{1}, size_t{5}, size_t{1009}, size_t{200'003}, size_t{700'001}}) {
    expectRightSums(ring, count);
  }
  onRanks(ring.size(), [&](int rank) {
    for (int root = 0; root < ring.size(); ++root) {
      Running sent(ring[rank], headerOf(OperationKind::kBroadcast, "from " + std::to_string(root), root),
                   {tensorOf(rank, 5003)});
      ASSERT_TRUE(isOk(sent.wait()));
      EXPECT_EQ(sent.numbers(), tensorOf(root, 5003));
    }
    Running gathered(ring[rank], headerOf(OperationKind::kAllgather, "rows"),
                     {std::vector<float>(static_cast<size_t>(rank), static_cast<float>(rank))});
    ASSERT_TRUE(isOk(gathered.wait()));
    std::vector<float> rows;
    for (int other = 0; other < ring.size(); ++other) rows.insert(rows.end(), static_cast<size_t>(other), other);
    EXPECT_EQ(gathered.numbers(), rows);
  });
}

// By node, by slot, of three hosts; and with hosts of different sizes or no neighbours, where TCP is the way.
INSTANTIATE_TEST_SUITE_P(Hosts, SessionOn,
                         testing::Combine(testing::Values("aabb", "abab", "aabbcc", "abbb", "abcd", "aab"),
                                          testing::Values(Transport::kAuto)),
                         [](const auto& info) { return nameOf(std::get<0>(info.param), std::get<1>(info.param)); });
// Told to use TCP, ranks do not ask who shares a host.
INSTANTIATE_TEST_SUITE_P(HostsOverTcp, SessionOn,
                         testing::Combine(testing::Values("aabb", "aab"), testing::Values(Transport::kTcp)),
                         [](const auto& info) { return nameOf(std::get<0>(info.param), std::get<1>(info.param)); });

TEST(SessionOnHosts, SharedMemoryIsDemandedInsideEachHost) {
  expectRightSums(RingOfSessions("abba", optionsOf(Transport::kShm)), 1009);
}

TEST(SessionOnHosts, SharedMemoryIsRefusedWhereItCannotBeHad) {
  for (const std::string hosts : {"abbb", "ab", "abc"}) {
    std::vector<std::shared_ptr<Session>> sessions;
    std::vector<PeerAddress> peers;
    const int size = static_cast<int>(hosts.size());
    for (int rank = 0; rank < size; ++rank) {
      SessionOptions options = optionsOf(Transport::kShm);
      options.rank = rank;
      options.size = size;
      sessions.push_back(Session::create(options));
      peers.push_back({"127.0.0.1", sessions.back()->listen("127.0.0.1").value(), "here",
                       hosts.substr(static_cast<size_t>(rank), 1)});
    }
    onRanks(size, [&](int rank) {
      EXPECT_TRUE(failsWith(StatusCode::kUnsupported, {"transport shm", "equally many"},
                            sessions[static_cast<size_t>(rank)]->connect(peers, soon())));
    });
  }
}

TEST(SessionOnHosts, ARankThatLeavesFailsAllOthersWhereverTheyAre) {
  for (int leaver = 0; leaver < 4; ++leaver) {
    const RingOfSessions ring("abab", optionsOf(Transport::kAuto));
    onRanks(4, [&](int rank) {
      if (rank == leaver) return ring[rank].close();
      auto sum = startSum(ring[rank], "x", tensorOf(rank, 1'000'003));
      EXPECT_TRUE(
          failsWith(StatusCode::kPeerLost, {"rank " + std::to_string(leaver), "has left the ring"}, sum.wait()));
    });
  }
}

TEST(SessionOnHosts, LeavingDuringAnOperationGivesTheSumOrAnErrorOnEveryRank) {
  for (int round = 0; round < 8; ++round) {
    const int leaver = round % 4;
    const RingOfSessions ring("aabb", optionsOf(Transport::kAuto));
    onRanks(4, [&](int rank) {
      auto sum = startSum(ring[rank], "x", std::vector<float>(1'500'000, 1.0F));
      if (rank == leaver) ring[rank].close();
      const Status status = sum.wait();
      if (status.ok()) {
        EXPECT_EQ(sum.numbers(), std::vector<float>(1'500'000, 4.0F));
      } else {
        EXPECT_EQ(status.code(), rank == leaver ? StatusCode::kShutDown : StatusCode::kPeerLost);
      }
    });
  }
}

}  // namespace
}  // namespace tsring
