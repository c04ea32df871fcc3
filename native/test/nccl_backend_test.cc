// Three ranks as threads, on a fake driver and a fake NCCL.
#include "nccl/nccl_backend.h"

#include <cstdlib>
#include <numeric>

#include "collective/cpu_backend.h"
#include "test/helpers/fake_gpus.h"
#include "transport/memory/memory_network.h"

namespace tsring {
namespace {

constexpr int kGpuRanks = 3;

/// A rank's end of it all.
struct GpuRank {
  GpuRank(MemoryNetwork& network, int rank, milliseconds timeout, size_t streams)
      : mesh(network.join(rank)),
        meet(*mesh, nullptr, {}, kStallLimit),
        gpu(meet, {.device = rank, .ncclLibrary = {}, .streams = streams}, {"rank 0", "rank 1", "rank 2"}, timeout) {}
  std::unique_ptr<Mesh> mesh;
  CpuBackend meet;
  NcclBackend gpu;
};

class NcclBackendOf : public OnFakes {
 protected:
  void onGpus(const std::function<void(int rank, NcclBackend& gpu)>& body, milliseconds timeout = kStallLimit,
              size_t streams = 2) {
    MemoryNetwork network(kGpuRanks);
    onRanks(kGpuRanks, [&](int rank) {
      GpuRank own(network, rank, timeout, streams);
      body(rank, own.gpu);
    });
  }
};

std::vector<float> counted(size_t count, float from) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), from);
  return values;
}

std::span<std::byte> part(const DeviceMemory& memory, size_t begin, size_t end) {
  return std::span(memory.data(), memory.bytes()).subspan(begin * sizeof(float), (end - begin) * sizeof(float));
}

TEST_F(NcclBackendOf, ReducesAndBroadcasts) {
  onGpus([](int rank, NcclBackend& gpu) {
    ASSERT_TRUE(isOk(gpu.prepare()));
    const size_t count = 50'000;  // more than the fake holds at once
    const auto memory = onDevice(rank, counted(count, static_cast<float>(rank)));
    ASSERT_TRUE(isOk(gpu.allreduce(part(*memory, 0, count), DType::kFloat32, ReduceOp::kAverage)));
    ASSERT_TRUE(isOk(gpu.finish()));
    EXPECT_EQ(fromDevice<float>(*memory), counted(count, 1));
    const auto other = onDevice(rank, std::vector{static_cast<float>(rank)});
    ASSERT_TRUE(isOk(gpu.broadcast(part(*other, 0, 1), 2)));
    ASSERT_TRUE(isOk(gpu.finish()));
    EXPECT_EQ(fromDevice<float>(*other), std::vector<float>{2});
  });
}

TEST_F(NcclBackendOf, MovesBlocksOfAnyLengths) {
  onGpus([](int rank, NcclBackend& gpu) {
    ASSERT_TRUE(isOk(gpu.prepare()));
    const auto own = static_cast<size_t>(rank);
    for (const std::array<size_t, 4>& ends : {std::array<size_t, 4>{0, 2, 4, 6}, std::array<size_t, 4>{0, 1, 1, 6}}) {
      std::vector<float> ours(6);
      for (size_t i = ends[own]; i < ends[own + 1]; ++i) ours[i] = static_cast<float>(i);
      const auto memory = onDevice(rank, ours);
      std::vector<std::span<std::byte>> blocks;
      for (size_t i = 0; i < kGpuRanks; ++i) blocks.push_back(part(*memory, ends[i], ends[i + 1]));
      ASSERT_TRUE(isOk(gpu.allgather(blocks)));
      ASSERT_TRUE(isOk(gpu.finish()));
      EXPECT_EQ(fromDevice<float>(*memory), counted(6, 0));
      ASSERT_TRUE(isOk(gpu.reducescatter(blocks, DType::kFloat32, ReduceOp::kSum)));
      ASSERT_TRUE(isOk(gpu.finish()));
      for (size_t i = ends[own]; i < ends[own + 1]; ++i)
        EXPECT_EQ(fromDevice<float>(*memory)[i], 3 * static_cast<float>(i));
    }
  });
}

TEST_F(NcclBackendOf, ExchangesPairs) {
  onGpus([](int rank, NcclBackend& gpu) {
    ASSERT_TRUE(isOk(gpu.prepare()));
    PairSizes sizes(kGpuRanks);  // rank r gives peer p r + p floats
    for (size_t from = 0; from < kGpuRanks; ++from) {
      for (size_t to = 0; to < kGpuRanks; ++to) sizes.of(from, to) = (from + to) * sizeof(float);
    }
    std::vector<float> given, expected;
    for (int peer = 0; peer < kGpuRanks; ++peer) {
      given.insert(given.end(), static_cast<size_t>(rank + peer), static_cast<float>(10 * rank + peer));
      expected.insert(expected.end(), static_cast<size_t>(rank + peer), static_cast<float>(10 * peer + rank));
    }
    const auto from = onDevice(rank, given);
    const auto into = onDevice(rank, std::vector<float>(expected.size()));
    ASSERT_TRUE(isOk(gpu.alltoall(part(*from, 0, given.size()), part(*into, 0, expected.size()), sizes)));
    ASSERT_TRUE(isOk(gpu.finish()));
    EXPECT_EQ(fromDevice<float>(*into), expected);
  });
}

/// One bucket: the values of `from` through the fusion buffer, doubled on the way, and combined `into`.
Status throughFusionBuffer(NcclBackend& gpu, const DeviceMemory& from, const DeviceMemory& into, int root) {
  const size_t count = from.bytes() / sizeof(float);
  gpu.nextStream();
  const auto fused = gpu.fusionBuffer(from.bytes());
  if (!fused.ok()) return fused.status();
  const DeviceCopy in[] = {{fused.value(), from.data(), count}};
  if (Status s = gpu.copy(in, DType::kFloat32, DType::kFloat32, 2); !s.ok()) return s;
  const std::span data(fused.value(), from.bytes());
  const Status moved = root < 0 ? gpu.allreduce(data, DType::kFloat32, ReduceOp::kSum) : gpu.broadcast(data, root);
  if (!moved.ok()) return moved;
  const DeviceCopy out[] = {{into.data(), fused.value(), count}};
  return gpu.copy(out, DType::kFloat32, DType::kFloat32, 0.5);
}

// Buffers grow on the way, while they are in use.
TEST_F(NcclBackendOf, ComesToTheSameThroughAnyNumberOfStreams) {
  for (const size_t streams : {1, 2, 4}) {
    onGpus(
        [](int rank, NcclBackend& gpu) {
          ASSERT_TRUE(isOk(gpu.prepare()));
          std::vector<std::shared_ptr<DeviceMemory>> from, into;
          for (size_t i = 0; i < 12; ++i) {
            const size_t count = 1000 * (i % 5 + 1) + i;
            from.push_back(onDevice(rank, counted(count, static_cast<float>(rank))));
            into.push_back(onDevice(rank, std::vector<float>(count)));
            ASSERT_TRUE(isOk(throughFusionBuffer(gpu, *from[i], *into[i], i % 3 == 2 ? 1 : -1)));
          }
          ASSERT_TRUE(isOk(gpu.finish()));
          for (size_t i = 0; i < into.size(); ++i) {
            std::vector<float> expected = counted(into[i]->bytes() / sizeof(float), 1);
            if (i % 3 != 2) {
              for (float& value : expected) value *= 3;
            }
            EXPECT_EQ(fromDevice<float>(*into[i]), expected) << i;
          }
        },
        kStallLimit, streams);
  }
}

// The first call of NCCL on each rank ends only after both buckets of all ranks have been packed.
TEST_F(NcclBackendOf, PacksABucketWhileAnotherIsOnItsWay) {
  ::setenv("FAKE_NCCL_AWAITS_KERNELS", "6", 1);
  onGpus([](int rank, NcclBackend& gpu) {
    ASSERT_TRUE(isOk(gpu.prepare()));
    const auto one = onDevice(rank, counted(1000, static_cast<float>(rank)));
    const auto other = onDevice(rank, counted(1000, static_cast<float>(rank)));
    ASSERT_TRUE(isOk(throughFusionBuffer(gpu, *one, *one, 0)));
    ASSERT_TRUE(isOk(throughFusionBuffer(gpu, *other, *other, 2)));
    ASSERT_TRUE(isOk(gpu.finish()));
    EXPECT_EQ(fromDevice<float>(*one), counted(1000, 0));
    EXPECT_EQ(fromDevice<float>(*other), counted(1000, 2));
  });
}

TEST_F(NcclBackendOf, CopiesScaledAndCast) {
  onGpus([](int rank, NcclBackend& gpu) {
    ASSERT_TRUE(isOk(gpu.prepare()));
    const auto from = onDevice(rank, counted(100, 0));
    const auto into = onDevice(rank, std::vector<float>(100, -1));
    const auto fused = gpu.fusionBuffer(200);
    ASSERT_TRUE(isOk(fused));
    const DeviceCopy in[] = {{fused.value(), from->data(), 60}, {fused.value() + 120, from->data() + 240, 40}};
    ASSERT_TRUE(isOk(gpu.copy(in, DType::kFloat32, DType::kBfloat16, 2)));
    const DeviceCopy out[] = {{into->data(), fused.value(), 99}};
    ASSERT_TRUE(isOk(gpu.copy(out, DType::kBfloat16, DType::kFloat32, 0.5)));
    ASSERT_TRUE(isOk(gpu.finish()));
    std::vector<float> expected = counted(100, 0);
    expected[99] = -1;
    EXPECT_EQ(fromDevice<float>(*into), expected);
  });
}

TEST_F(NcclBackendOf, CopiesAnyNumberOfPieces) {
  onGpus([](int rank, NcclBackend& gpu) {
    ASSERT_TRUE(isOk(gpu.prepare()));
    const size_t count = 50'000;
    const auto from = onDevice(rank, counted(count, 0));
    const auto into = onDevice(rank, std::vector<float>(count));
    std::vector<DeviceCopy> pieces;
    for (size_t i = 0; i < count; ++i) {
      const size_t mirrored = (count - 1 - i) * sizeof(float);
      pieces.push_back({into->data() + mirrored, from->data() + i * sizeof(float), 1});
    }
    ASSERT_TRUE(isOk(gpu.copy(pieces, DType::kFloat32, DType::kFloat32, -1)));
    ASSERT_TRUE(isOk(gpu.finish()));
    const auto mirror = fromDevice<float>(*into);
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(mirror[i], -static_cast<float>(count - 1 - i));
  });
}

TEST_F(NcclBackendOf, AHangEndsAtTheDeadline) {
  ::setenv("FAKE_NCCL_HANG_AT", "0", 1);
  onGpus(
      [](int rank, NcclBackend& gpu) {
        ASSERT_TRUE(isOk(gpu.prepare()));
        const auto memory = onDevice(rank, counted(4, static_cast<float>(rank)));
        ASSERT_TRUE(isOk(gpu.allreduce(part(*memory, 0, 4), DType::kFloat32, ReduceOp::kSum)));
        EXPECT_TRUE(failsWith(StatusCode::kTimeout, {"in time"}, gpu.finish()));
        EXPECT_FALSE(gpu.allreduce(part(*memory, 0, 4), DType::kFloat32, ReduceOp::kSum).ok());
      },
      milliseconds(2000));
}

TEST_F(NcclBackendOf, AnErrorOfNcclEndsTheWait) {
  ::setenv("FAKE_NCCL_ERROR_AT", "1", 1);
  onGpus([](int rank, NcclBackend& gpu) {
    ASSERT_TRUE(isOk(gpu.prepare()));
    const auto memory = onDevice(rank, counted(4, static_cast<float>(rank)));
    ASSERT_TRUE(isOk(gpu.allreduce(part(*memory, 0, 4), DType::kFloat32, ReduceOp::kSum)));
    ASSERT_TRUE(isOk(gpu.finish()));
    ASSERT_TRUE(isOk(gpu.allreduce(part(*memory, 0, 4), DType::kFloat32, ReduceOp::kSum)));
    EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"remote process"}, gpu.finish()));
  });
}

TEST_F(NcclBackendOf, AnInterruptEndsWhatIsUnderWay) {
  ::setenv("FAKE_NCCL_HANG_AT", "0", 1);
  onGpus([](int rank, NcclBackend& gpu) {
    ASSERT_TRUE(isOk(gpu.prepare()));
    const auto memory = onDevice(rank, counted(4, static_cast<float>(rank)));
    const auto other = onDevice(rank, counted(4, static_cast<float>(rank)));
    ASSERT_TRUE(isOk(gpu.allreduce(part(*memory, 0, 4), DType::kFloat32, ReduceOp::kSum)));
    gpu.nextStream();  // behind the first
    ASSERT_TRUE(isOk(gpu.allreduce(part(*other, 0, 4), DType::kFloat32, ReduceOp::kSum)));
    const std::jthread control([&] { gpu.interrupt(); });
    EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"interrupted"}, gpu.finish()));
  });
}

TEST_F(NcclBackendOf, AnInterruptEndsTheLinkingUp) {
  ::setenv("FAKE_NCCL_INIT_HANG", "1", 1);
  onGpus([](int /*rank*/, NcclBackend& gpu) {
    const std::jthread control([&] { gpu.interrupt(); });
    EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {}, gpu.prepare()));
  });
}

TEST_F(NcclBackendOf, RanksWithoutNcclAreNamedToAll) {
  MemoryNetwork network(2);
  onRanks(2, [&](int rank) {
    const auto mesh = network.join(rank);
    CpuBackend meet(*mesh, nullptr, {}, kStallLimit);
    const std::string library = rank == 1 ? "/nowhere/libnccl.so.2" : "";
    NcclBackend gpu(meet, {.device = rank, .ncclLibrary = library}, {"rank 0", "rank 1"}, kStallLimit);
    EXPECT_TRUE(
        failsWith(StatusCode::kUnsupported, {"rank 1 cannot use its GPU", "/nowhere/libnccl.so.2"}, gpu.prepare()));
  });
}

TEST_F(NcclBackendOf, RanksOnOneGpuAreNamedToAll) {
  MemoryNetwork network(2);
  onRanks(2, [&](int rank) {
    const auto mesh = network.join(rank);
    CpuBackend meet(*mesh, nullptr, {}, kStallLimit);
    NcclBackend gpu(meet, {}, {"rank 0", "rank 1"}, kStallLimit);
    EXPECT_TRUE(failsWith(StatusCode::kUnsupported, {"rank 0 and rank 1 use the same GPU"}, gpu.prepare()));
  });
}

}  // namespace
}  // namespace tsring
