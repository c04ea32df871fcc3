#include "collective/hierarchical.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <optional>
#include <random>

#include "test/helpers/elements.h"
#include "test/helpers/sockets.h"
#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"
#include "transport/memory/memory_network.h"
#include "transport/shm/share_host.h"

namespace tsring {
namespace {

// Small slots, so that small data make many pieces.
constexpr HostLayout kSmall{.slotBytes = 1024, .offerBytes = 64};
constexpr HostLayout kLarge{.slotBytes = 512 << 10, .offerBytes = 64};

/// The ranks of several hosts as threads of one process, with shared memory as their hosts have it. A host is a letter
/// of `hosts`, one a rank.
struct Ranks {
  explicit Ranks(const std::string& hosts, const HostLayout& layout = kSmall, const Tuning& tuning = {})
      : Ranks(hosts, MemoryNetwork(static_cast<int>(hosts.size()), 64 << 10), layout, tuning) {}
  Ranks(const std::string& hosts, MemoryNetwork network, const HostLayout& layout = kSmall, const Tuning& tuning = {})
      : Ranks(hosts, joinAll(network, static_cast<int>(hosts.size())), layout, tuning) {}
  Ranks(const std::string& hosts, std::vector<std::unique_ptr<Mesh>> links, const HostLayout& layout,
        const Tuning& tuning)
      : meshes(std::move(links)), groups(meshes.size()), backends(meshes.size()) {
    std::vector<std::string> hostIds;
    for (const char host : hosts) hostIds.emplace_back(1, host);
    onRanks(size(), [&](int rank) {
      const auto at = static_cast<size_t>(rank);
      Topology topology = Topology::of(hostIds, rank);
      ASSERT_TRUE(topology.twoLevels());
      auto group = shareHost(*meshes[at], topology.neighbours(), layout, soon());
      ASSERT_TRUE(isOk(group));
      groups[at] = std::move(group).value();
      backends[at] = std::make_unique<HierarchicalBackend>(*meshes[at], *groups[at], topology, tuning, kStallLimit);
    });
  }
  static std::vector<std::unique_ptr<Mesh>> joinAll(MemoryNetwork& network, int size) {
    std::vector<std::unique_ptr<Mesh>> meshes;
    for (int rank = 0; rank < size; ++rank) meshes.push_back(network.join(rank));
    return meshes;
  }
  int size() const { return static_cast<int>(meshes.size()); }
  HierarchicalBackend& operator[](int rank) const { return *backends[static_cast<size_t>(rank)]; }

  std::vector<std::unique_ptr<Mesh>> meshes;
  std::vector<std::unique_ptr<HostGroup>> groups;
  std::vector<std::unique_ptr<HierarchicalBackend>> backends;
};

/// Runs an allreduce on every rank, in place in `byRank`.
void allreduce(const Ranks& ranks, std::vector<Bytes>& byRank, DType dtype, ReduceOp op) {
  onRanks(ranks.size(),
          [&](int rank) { EXPECT_TRUE(isOk(ranks[rank].allreduce(byRank[static_cast<size_t>(rank)], dtype, op))); });
}

void expectRightSums(const Ranks& ranks, DType dtype, ReduceOp op, size_t count) {
  std::vector<Bytes> byRank;
  for (int rank = 0; rank < ranks.size(); ++rank) {
    byRank.push_back(smallElements(dtype, count, static_cast<unsigned>(rank)));
  }
  const Bytes expected = combineAll(dtype, op, byRank);
  allreduce(ranks, byRank, dtype, op);
  for (const Bytes& result : byRank) {
    ASSERT_TRUE(result == expected) << nameOf(dtype, op) << ", " << count << " elements, " << ranks.size() << " ranks";
  }
}

Tuning forced(Algorithm algorithm) {
  Tuning tuning;
  tuning.forced = algorithm;
  return tuning;
}
constexpr Algorithm kAcross[] = {Algorithm::kRing, Algorithm::kRecursiveDoubling, Algorithm::kHalvingDoubling};

class HostsOf : public testing::TestWithParam<const char*> {};

TEST_P(HostsOf, AllreduceEverySizeByEveryAlgorithm) {
  for (const Algorithm algorithm : kAcross) {
    const Ranks ranks(GetParam(), kSmall, forced(algorithm));
    for (const size_t count : {0, 1, 2, 3, 5, 7, 8, 9, 31, 257, 1009, 4096, 20'011}) {
      expectRightSums(ranks, DType::kFloat32, ReduceOp::kSum, count);
    }
  }
}

TEST_P(HostsOf, AllreduceEveryTypeAndOperation) {
  for (const Algorithm algorithm : {Algorithm::kRing, Algorithm::kRecursiveDoubling}) {
    const Ranks ranks(GetParam(), kSmall, forced(algorithm));
    for (const DType dtype : kAllDTypes) {
      for (const ReduceOp op : kAllOps) {
        if (isDefined(dtype, op)) expectRightSums(ranks, dtype, op, 1009);
      }
    }
  }
}

// Floats whose sum depends on the order, in several segments: the order must not depend on when bytes come.
TEST_P(HostsOf, LeaveTheSameBitsOnEveryRankAndInEveryRun) {
  const std::string hosts = GetParam();
  for (const size_t count : {size_t{1009}, hosts.size() * 530'003}) {
    std::vector<Bytes> input;
    for (size_t rank = 0; rank < hosts.size(); ++rank) {
      std::mt19937 random(static_cast<unsigned>(rank));
      Bytes bytes(count * sizeof(float));
      for (size_t i = 0; i < count; ++i) {
        reinterpret_cast<float*>(bytes.data())[i] = static_cast<float>(random()) * 1e-9F - 2;
      }
      input.push_back(std::move(bytes));
    }
    std::optional<Bytes> first;
    for (const size_t shortest : {LinkFaults::kNever, size_t{20'011}}) {
      MemoryNetwork network(static_cast<int>(hosts.size()), 256 << 10);
      network.disturbAll({.mostBytesPerCall = shortest});
      auto byRank = input;
      allreduce(Ranks(hosts, std::move(network), kLarge), byRank, DType::kFloat32, ReduceOp::kAverage);
      if (!first) first = byRank.front();
      for (const Bytes& result : byRank) ASSERT_TRUE(result == *first);
    }
  }
}

TEST_P(HostsOf, GatherBlocksOfAnyLengthsAndBroadcastFromEveryRoot) {
  const Ranks ranks(GetParam());
  std::mt19937 random(1);
  std::vector<Bytes> blocks;
  for (int rank = 0; rank < ranks.size(); ++rank) {
    blocks.push_back(randomBytes(random() % 4 ? random() % 5000 : 0, random()));
  }
  const Bytes large = randomBytes(2'500'003, 9);
  onRanks(ranks.size(), [&](int rank) {
    const auto at = static_cast<size_t>(rank);
    std::vector<Bytes> mine;
    for (const Bytes& block : blocks) mine.emplace_back(block.size());
    mine[at] = blocks[at];
    const std::vector<std::span<std::byte>> spans(mine.begin(), mine.end());
    ASSERT_TRUE(isOk(ranks[rank].allgather(spans)));
    EXPECT_TRUE(mine == blocks);
    for (size_t root = 0; root < blocks.size(); ++root) {
      Bytes bytes = root == at ? blocks[root] : Bytes(blocks[root].size());
      ASSERT_TRUE(isOk(ranks[rank].broadcast(bytes, static_cast<int>(root))));
      EXPECT_TRUE(bytes == blocks[root]);
    }
    Bytes bytes = rank == 1 ? large : Bytes(large.size());
    ASSERT_TRUE(isOk(ranks[rank].broadcast(bytes, 1)));
    EXPECT_TRUE(bytes == large);
  });
}

TEST_P(HostsOf, ReduceAndScatterBlocksOfAnyLengths) {
  const Ranks ranks(GetParam());
  std::mt19937 random(3);
  for (const ReduceOp op : {ReduceOp::kSum, ReduceOp::kAverage, ReduceOp::kMax}) {
    std::vector<size_t> lengths;
    for (int rank = 0; rank < ranks.size(); ++rank) lengths.push_back(random() % 4 ? 4 * (random() % 900) : 0);
    const size_t count = std::accumulate(lengths.begin(), lengths.end(), size_t{0}) / 4;
    std::vector<Bytes> byRank;
    for (unsigned rank = 0; rank < lengths.size(); ++rank)
      byRank.push_back(smallElements(DType::kFloat32, count, rank));
    const Bytes expected = combineAll(DType::kFloat32, op, byRank);
    onRanks(ranks.size(), [&](int rank) {
      const auto at = static_cast<size_t>(rank);
      const auto blocks = laidOut(byRank[at], lengths);
      ASSERT_TRUE(isOk(ranks[rank].reducescatter(blocks, DType::kFloat32, op)));
      const auto begin = static_cast<size_t>(blocks[at].data() - byRank[at].data());
      EXPECT_TRUE(std::ranges::equal(blocks[at], std::span(expected).subspan(begin, blocks[at].size())));
    });
  }
}

TEST_P(HostsOf, ExchangeBlocksOfAnyLengths) {
  const Ranks ranks(GetParam());
  const auto size = static_cast<size_t>(ranks.size());
  std::mt19937 random(4);
  PairSizes sizes(size);
  for (size_t from = 0; from < size; ++from) {
    for (size_t to = 0; to < size; ++to) sizes.of(from, to) = random() % 4 ? random() % 3000 : 0;
  }
  const auto block = [&](size_t from, size_t to) {
    return randomBytes(sizes.of(from, to), static_cast<unsigned>(100 * from + to));
  };
  onRanks(ranks.size(), [&](int rank) {
    const auto own = static_cast<size_t>(rank);
    Bytes from, expected;
    for (size_t other = 0; other < size; ++other) {
      std::ranges::copy(block(own, other), std::back_inserter(from));
      std::ranges::copy(block(other, own), std::back_inserter(expected));
    }
    Bytes into(expected.size());
    ASSERT_TRUE(isOk(ranks[rank].alltoall(from, into, sizes)));
    EXPECT_TRUE(into == expected);
  });
}

INSTANTIATE_TEST_SUITE_P(Ranks, HostsOf,
                         testing::Values("aabb", "abab", "abba", "aaabbb", "ababab", "aabbcc", "abccba"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Hierarchical, AllreducesOverTcpInManySegments) {
  const Ranks ranks("abab", tcpMeshes(4), kLarge, {});
  for (const size_t count : {size_t{1}, size_t{100'003}, size_t{6'000'011}}) {
    expectRightSums(ranks, DType::kFloat32, ReduceOp::kSum, count);
  }
}

TEST(Hierarchical, GoesOnForManyRoundsOfAllKinds) {
  const Ranks ranks("aabb");
  onRanks(4, [&](int rank) {
    for (int round = 0; round < 200; ++round) {
      Bytes ones = ByteWriter().put(1).put(2).put(3).take();
      ASSERT_TRUE(isOk(ranks[rank].allreduce(ones, DType::kInt32, ReduceOp::kSum)));
      ASSERT_EQ(ones, ByteWriter().put(4).put(8).put(12).take());
      Bytes sent = ByteWriter().put(rank == round % 4 ? round : -1).take();
      ASSERT_TRUE(isOk(ranks[rank].broadcast(sent, round % 4)));
      ASSERT_EQ(sent, ByteWriter().put(round).take());
    }
  });
}

// Wherever a link between hosts is cut, every rank ends soon and has the right sum or a failure. A rank that fails
// drops its links and wakes its neighbours, as their sessions do when they hear of it.
TEST(HierarchicalFaults, ACutIsALostPeerAndNeverAWrongSum) {
  constexpr size_t kCount = 20'011;
  std::vector<Bytes> input;
  for (unsigned rank = 0; rank < 4; ++rank) input.push_back(smallElements(DType::kFloat32, kCount, rank));
  const Bytes expected = combineAll(DType::kFloat32, ReduceOp::kSum, input);
  for (size_t cut = 0; cut < kCount * sizeof(float) / 2; cut += 4999) {
    MemoryNetwork network(4, 2048);
    network.disturbAll({.mostBytesPerCall = 1500});
    auto meshes = Ranks::joinAll(network, 4);
    Ranks ranks("aabb", std::move(meshes), kSmall, forced(Algorithm::kRing));
    network.disturb(0, 2, {.cutAfter = cut});
    std::atomic<int> lost = 0;
    onRanks(4, [&](int rank) {
      const auto at = static_cast<size_t>(rank);
      const auto start = Clock::now();
      Bytes data = input[at];
      const Status status = ranks[rank].allreduce(data, DType::kFloat32, ReduceOp::kSum);
      EXPECT_LT(since(start), kStallLimit / 2);
      if (status.ok()) {
        EXPECT_TRUE(data == expected);
        return;
      }
      EXPECT_TRUE(status.code() == StatusCode::kPeerLost || status.code() == StatusCode::kShutDown) << status.message();
      lost += status.code() == StatusCode::kPeerLost;
      for (const auto& mesh : ranks.meshes) mesh->interrupt();
      for (const auto& group : ranks.groups) group->interrupt();
    });
    ASSERT_GE(lost, 1) << "cut after " << cut;
  }
}

}  // namespace
}  // namespace tsring
