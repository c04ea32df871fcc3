// Four ranks as threads, on two hosts as far as they know, on a fake driver and a fake NCCL: NCCL among those of a
// host, links in memory between hosts.
#include <latch>

#include "collective/cpu_backend.h"
#include "collective/topology.h"
#include "nccl/hierarchical_nccl_backend.h"
#include "test/helpers/fake_gpus.h"
#include "transport/memory/memory_network.h"

namespace tsring {
namespace {

constexpr size_t kSliceBytes = 1024;  // so that little data make several segments

/// A rank's end of it all.
struct HostedRank {
  HostedRank(MemoryNetwork& network, int rank, const Topology& topology, milliseconds timeout)
      : mesh(network.join(rank)),
        all(*mesh, nullptr, {}, timeout),
        across(*mesh, topology.acrossHosts(), {}, timeout),
        gpu(std::make_unique<NcclBackend>(all, GpuChoice{.device = rank, .ncclLibrary = {}},
                                          std::vector<std::string>(all.size(), "a rank"), timeout,
                                          topology.insideHost()),
            across, all, kSliceBytes) {}
  std::unique_ptr<Mesh> mesh;
  CpuBackend all, across;
  HierarchicalNcclBackend gpu;
};

/// Calls `body(rank, own)` on one thread a rank of these hosts, one letter a rank.
void onHosts(const std::string& hosts, const std::function<void(int rank, HostedRank& own)>& body,
             milliseconds timeout = kStallLimit) {
  std::vector<std::string> ids;
  for (const char host : hosts) ids.emplace_back(1, host);
  const int size = static_cast<int>(hosts.size());
  MemoryNetwork network(size);
  onRanks(size, [&](int rank) {
    HostedRank own(network, rank, Topology::of(ids, rank), timeout);
    body(rank, own);
  });
}

template <typename T>
std::vector<T> numbersOf(int rank, size_t count) {
  std::vector<T> numbers(count);
  for (size_t i = 0; i < count; ++i)
    numbers[i] = static_cast<T>((i * 7 + static_cast<size_t>(rank) * 3) % 11) - static_cast<T>(4);
  return numbers;
}

/// What NCCL among all ranks, or any other way, comes to: small whole numbers, whose sums are exact in any order.
template <typename T>
std::vector<T> expected(int size, size_t count, ReduceOp op) {
  std::vector<T> result = numbersOf<T>(0, count);
  for (int rank = 1; rank < size; ++rank) {
    const std::vector<T> other = numbersOf<T>(rank, count);
    for (size_t i = 0; i < count; ++i) {
      if (op == ReduceOp::kMin) result[i] = std::min(result[i], other[i]);
      if (op == ReduceOp::kMax) result[i] = std::max(result[i], other[i]);
      if (op == ReduceOp::kSum || op == ReduceOp::kAverage) result[i] += other[i];
    }
  }
  if (op == ReduceOp::kAverage) {
    for (T& value : result) value /= static_cast<T>(size);
  }
  return result;
}

template <typename T>
void expectRight(DType dtype, ReduceOp op, const std::string& hosts) {
  const int size = static_cast<int>(hosts.size());
  onHosts(hosts, [&](int rank, HostedRank& own) {
    ASSERT_TRUE(isOk(own.gpu.prepare()));
    for (const size_t count : {size_t{1}, size_t{7}, size_t{64}, size_t{1009}, size_t{3001}}) {
      const auto memory = onDevice(rank, numbersOf<T>(rank, count));
      ASSERT_TRUE(isOk(own.gpu.allreduce(all(*memory), dtype, op)));
      ASSERT_TRUE(isOk(own.gpu.finish()));
      EXPECT_EQ(fromDevice<T>(*memory), expected<T>(size, count, op)) << count << " on " << hosts;
    }
    own.gpu.close();
  });
}

class HierarchicalNccl : public OnFakes {};

TEST_F(HierarchicalNccl, ReducesAsAFlatOneDoes) {
  for (const ReduceOp op : {ReduceOp::kSum, ReduceOp::kAverage, ReduceOp::kMin, ReduceOp::kMax}) {
    expectRight<float>(DType::kFloat32, op, "aabb");
  }
  expectRight<double>(DType::kFloat64, ReduceOp::kSum, "abab");
  expectRight<float>(DType::kFloat32, ReduceOp::kSum, "ab");      // one rank a host
  expectRight<float>(DType::kFloat32, ReduceOp::kSum, "aabbcc");  // three hosts
  expectRight<float>(DType::kFloat32, ReduceOp::kSum, "aaabbb");  // slices that do not divide
}

// Twice divided, 3 of 7 would come out as 1.
TEST_F(HierarchicalNccl, DividesIntegersOnce) {
  expectRight<int32_t>(DType::kInt32, ReduceOp::kAverage, "aabb");
  expectRight<int64_t>(DType::kInt64, ReduceOp::kSum, "abab");
}

TEST_F(HierarchicalNccl, LeavesTheSameBitsOnAllRanks) {
  std::vector<std::vector<float>> results(4);
  onHosts("abab", [&](int rank, HostedRank& own) {
    ASSERT_TRUE(isOk(own.gpu.prepare()));
    std::vector<float> values = numbersOf<float>(rank, 3001);
    for (float& value : values) value = value / 7 + static_cast<float>(rank) * 1e-3F;
    const auto memory = onDevice(rank, values);
    ASSERT_TRUE(isOk(own.gpu.allreduce(all(*memory), DType::kFloat32, ReduceOp::kAverage)));
    ASSERT_TRUE(isOk(own.gpu.finish()));
    results[static_cast<size_t>(rank)] = fromDevice<float>(*memory);
  });
  for (int rank = 1; rank < 4; ++rank) EXPECT_EQ(results[static_cast<size_t>(rank)], results[0]);
}

TEST_F(HierarchicalNccl, MovesAllElseThroughMainMemory) {
  onHosts("aabb", [](int rank, HostedRank& own) {
    HierarchicalNcclBackend& gpu = own.gpu;
    ASSERT_TRUE(isOk(gpu.prepare()));
    const auto ours = static_cast<size_t>(rank);
    // Two broadcasts without a wait between them, of which the first may still be on its way into the GPU's memory.
    const auto sent = onDevice(rank, numbersOf<float>(rank, 500));
    const auto other = onDevice(rank, numbersOf<float>(rank + 1, 500));
    ASSERT_TRUE(isOk(gpu.broadcast(all(*sent), 2)));
    ASSERT_TRUE(isOk(gpu.broadcast(all(*other), 1)));
    ASSERT_TRUE(isOk(gpu.finish()));
    EXPECT_EQ(fromDevice<float>(*sent), numbersOf<float>(2, 500));
    EXPECT_EQ(fromDevice<float>(*other), numbersOf<float>(2, 500));

    const size_t ends[] = {0, 4, 4, 20, 40};  // in bytes
    const auto rows = onDevice(rank, std::vector<float>(10, static_cast<float>(rank)));
    std::vector<std::span<std::byte>> blocks;
    for (size_t i = 0; i < 4; ++i) blocks.push_back(all(*rows).subspan(ends[i], ends[i + 1] - ends[i]));
    ASSERT_TRUE(isOk(gpu.allgather(blocks)));
    ASSERT_TRUE(isOk(gpu.finish()));
    EXPECT_EQ(fromDevice<float>(*rows), (std::vector<float>{0, 2, 2, 2, 2, 3, 3, 3, 3, 3}));
    ASSERT_TRUE(isOk(gpu.reducescatter(blocks, DType::kFloat32, ReduceOp::kSum)));
    ASSERT_TRUE(isOk(gpu.finish()));
    const auto scattered = fromDevice<float>(*rows);
    for (size_t i = ends[ours] / 4; i < ends[ours + 1] / 4; ++i) EXPECT_EQ(scattered[i], i == 0 ? 0 : i < 5 ? 8 : 12);

    PairSizes sizes(4);  // rank r gives each peer r + 1 floats
    std::vector<float> given((ours + 1) * 4, static_cast<float>(rank)), taken;
    for (size_t from = 0; from < 4; ++from) {
      for (size_t to = 0; to < 4; ++to) sizes.of(from, to) = (from + 1) * sizeof(float);
      taken.insert(taken.end(), from + 1, static_cast<float>(from));
    }
    const auto from = onDevice(rank, given);
    const auto into = onDevice(rank, std::vector<float>(taken.size()));
    ASSERT_TRUE(isOk(gpu.alltoall(all(*from), all(*into), sizes)));
    ASSERT_TRUE(isOk(gpu.finish()));
    EXPECT_EQ(fromDevice<float>(*into), taken);
  });
}

TEST_F(HierarchicalNccl, ARankWithoutNcclIsNamedToAllHosts) {
  MemoryNetwork network(2);
  const std::vector<std::string> ids{"a", "b"};
  onRanks(2, [&](int rank) {
    const auto mesh = network.join(rank);
    CpuBackend meet(*mesh, nullptr, {}, kStallLimit);
    const std::string library = rank == 1 ? "/nowhere/libnccl.so.2" : "";
    NcclBackend inside(meet, {.device = rank, .ncclLibrary = library}, {"rank 0", "rank 1"}, kStallLimit,
                       Topology::of(ids, rank).insideHost());
    EXPECT_TRUE(failsWith(StatusCode::kUnsupported, {"rank 1 cannot use its GPU"}, inside.prepare()));
  });
}

// As when the control thread hears of a death: the links and the GPU are interrupted, wherever the rank is.
TEST_F(HierarchicalNccl, EndsOnAllRanksWhenOneIsGone) {
  std::latch linked(4);  // or who goes first takes what the others still need for that
  onHosts("aabb", [&](int rank, HostedRank& own) {
    const Status ready = own.gpu.prepare();
    linked.arrive_and_wait();
    ASSERT_TRUE(isOk(ready));
    if (rank == 3) return own.gpu.interrupt();
    const auto memory = onDevice(rank, numbersOf<float>(rank, 100'000));
    const std::jthread control([&] {
      own.mesh->interrupt();
      own.gpu.interrupt();
    });
    Status status = own.gpu.allreduce(all(*memory), DType::kFloat32, ReduceOp::kSum);
    if (status.ok()) status = own.gpu.finish();
    // By which of the two a rank hears of it is as it comes: the engine tells its callers the reason that it knows.
    const StatusCode heard = status.code();
    EXPECT_TRUE(heard == StatusCode::kPeerLost || heard == StatusCode::kShutDown) << status.message();
  });
}

}  // namespace
}  // namespace tsring
