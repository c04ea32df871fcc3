// Three sessions of one process, on a fake driver and a fake NCCL: operations on GPUs that may go through main memory.
#include "engine/device_way.h"

#include <numeric>

#include "test/helpers/fake_gpus.h"
#include "test/helpers/ring_of_sessions.h"
#include "test/helpers/sockets.h"

namespace tsring {
namespace {

constexpr int kRanks = 3;

class DeviceWayOf : public OnFakes {
 protected:
  /// A GPU a rank.
  static SessionOptions optionsOf(int rank) {
    SessionOptions options = testOptions();
    options.cudaDevice = rank;
    return options;
  }
};

RequestHeader mayGoByHost(RequestHeader header) {
  header.memory = MemoryKind::kCudaOrHost;
  return header;
}

std::vector<float> numbersOf(int rank, size_t count) {
  std::vector<float> numbers(count);
  std::iota(numbers.begin(), numbers.end(), static_cast<float>(rank));
  return numbers;
}

std::vector<float> sumOfAll(size_t count) {
  std::vector<float> sum(count);
  for (size_t i = 0; i < count; ++i) sum[i] = static_cast<float>(kRanks * i + kRanks * (kRanks - 1) / 2);
  return sum;
}

/// Two tensors of a rank's through one operation on its GPU: what comes of them there.
std::vector<std::vector<float>> onGpu(Session& session, int rank, RequestHeader header) {
  std::vector<std::vector<float>> results;
  std::vector<Shape> shapes;
  std::vector<TensorBuffer> buffers;
  std::vector<std::shared_ptr<DeviceMemory>> memory;
  for (const size_t count : {size_t{5}, size_t{40'000}}) {
    memory.push_back(onDevice(rank, numbersOf(rank, count)));
    memory.push_back(onDevice(rank, std::vector<float>(count)));
    shapes.push_back({static_cast<int64_t>(count)});
    buffers.push_back({(memory.end() - 2)->get()->data(), memory.back()->data()});
  }
  const auto ticket = session.open(std::move(header));
  EXPECT_TRUE(isOk(session.submit(ticket, shapes, buffers)));
  EXPECT_TRUE(isOk(ticket->wait(soon()).status));
  TicketTable::process().close(ticket->id);
  for (size_t i = 1; i < memory.size(); i += 2) results.push_back(fromDevice<float>(*memory[i]));
  return results;
}

/// The same from main memory.
void onHost(Session& session, int rank, RequestHeader header) {
  Running running(session, std::move(header), {numbersOf(rank, 5), numbersOf(rank, 40'000)});
  EXPECT_TRUE(isOk(running.wait()));
  EXPECT_EQ(running.numbers(1), sumOfAll(40'000));
}

TEST_F(DeviceWayOf, GoesByNcclWhereAllHaveTheirTensorsOnGpus) {
  const RingOfSessions ring(kRanks, optionsOf);
  onRanks(kRanks, [&](int rank) {
    for (int step = 0; step < 3; ++step) {  // the later ones by a number
      const auto sums = onGpu(ring[rank], rank, mayGoByHost(sumOf("x")));
      EXPECT_EQ(sums, (std::vector{sumOfAll(5), sumOfAll(40'000)}));
    }
    EXPECT_EQ(ring[rank].deviceWay(), "cuda");
  });
}

/// An operation on one tensor of the GPU's memory, in place.
std::shared_ptr<Ticket> reducedInPlace(Session& session, const DeviceMemory& memory, RequestHeader header) {
  header.memory = MemoryKind::kCuda;
  const auto ticket = session.open(std::move(header));
  const Shape shape{static_cast<int64_t>(memory.bytes() / sizeof(float))};
  EXPECT_TRUE(isOk(session.submit(ticket, {shape}, {{memory.data(), memory.data()}})));
  return ticket;
}

void expectDone(const std::shared_ptr<Ticket>& ticket) {
  EXPECT_TRUE(isOk(ticket->wait(soon()).status));
  TicketTable::process().close(ticket->id);
}

SessionOptions withTwoStreams(int rank) {
  SessionOptions options = testOptions();
  options.cudaDevice = rank;
  options.tuning.numNcclStreams = rank == 0 ? 2 : 1;  // rank 0's counts
  return options;
}

// NCCL's first call on each rank ends only after the tensors of both operations have been scaled on all ranks.
TEST_F(DeviceWayOf, BeginsAnOperationWhileAnotherIsOnItsWay) {
  ::setenv("FAKE_NCCL_AWAITS_KERNELS", "6", 1);
  const RingOfSessions ring(kRanks, withTwoStreams);
  onRanks(kRanks, [&](int rank) {
    const auto one = onDevice(rank, numbersOf(rank, 40'000));
    const auto other = onDevice(rank, numbersOf(rank, 5));
    RequestHeader doubled = sumOf("one");
    doubled.prescale = 2;
    const auto first = reducedInPlace(ring[rank], *one, doubled);
    doubled.name = "other";
    const auto second = reducedInPlace(ring[rank], *other, doubled);
    expectDone(first);
    expectDone(second);
    const auto twice = [](std::vector<float> values) {
      for (float& value : values) value *= 2;
      return values;
    };
    EXPECT_EQ(fromDevice<float>(*one), twice(sumOfAll(40'000)));
    EXPECT_EQ(fromDevice<float>(*other), twice(sumOfAll(5)));
  });
}

TEST_F(DeviceWayOf, KeepsTheOrderOfOperationsOnTheSameMemory) {
  const RingOfSessions ring(kRanks, withTwoStreams);
  onRanks(kRanks, [&](int rank) {
    const auto memory = onDevice(rank, numbersOf(rank, 40'000));
    std::vector<std::shared_ptr<Ticket>> tickets;
    for (const char* name : {"one", "two", "three"}) {
      RequestHeader third = sumOf(name);
      third.postscale = 1.0 / kRanks;
      tickets.push_back(reducedInPlace(ring[rank], *memory, third));
    }
    RequestHeader last = sumOf("last");
    tickets.push_back(reducedInPlace(ring[rank], *memory, last));
    for (const auto& ticket : tickets) expectDone(ticket);
    EXPECT_EQ(fromDevice<float>(*memory), sumOfAll(40'000));
  });
}

TEST_F(DeviceWayOf, EndsAllThatIsUnderWay) {
  ::setenv("FAKE_NCCL_HANG_AT", "1", 1);
  const RingOfSessions ring(kRanks, [](int rank) {
    SessionOptions options = withTwoStreams(rank);
    options.timeout = milliseconds(3000);
    return options;
  });
  onRanks(kRanks, [&](int rank) {
    std::vector<std::shared_ptr<DeviceMemory>> memory;
    std::vector<std::shared_ptr<Ticket>> tickets;
    for (const char* name : {"one", "two", "three", "four"}) {
      memory.push_back(onDevice(rank, numbersOf(rank, 1000)));
      tickets.push_back(reducedInPlace(ring[rank], *memory.back(), sumOf(name)));
    }
    expectDone(tickets[0]);
    for (size_t i = 1; i < tickets.size(); ++i) {
      EXPECT_TRUE(failsWith(StatusCode::kTimeout, {}, tickets[i]->wait(soon()).status));
      TicketTable::process().close(tickets[i]->id);
    }
  });
}

TEST_F(DeviceWayOf, GoesByHostWhereARankHasItsTensorsThere) {
  const RingOfSessions ring(kRanks, optionsOf);
  onRanks(kRanks, [&](int rank) {
    for (int step = 0; step < 3; ++step) {
      if (rank == 1) {
        onHost(ring[rank], rank, sumOf("x"));
      } else {
        const auto sums = onGpu(ring[rank], rank, mayGoByHost(sumOf("x")));
        EXPECT_EQ(sums, (std::vector{sumOfAll(5), sumOfAll(40'000)}));
      }
    }
    const auto sent = onGpu(ring[rank], rank, mayGoByHost(headerOf(OperationKind::kBroadcast, "y", 2)));
    EXPECT_EQ(sent, (std::vector{numbersOf(2, 5), numbersOf(2, 40'000)}));
    // The one on the host goes by NCCL with the others once its tensors are on its GPU.
    EXPECT_EQ(ring[rank].deviceWay(), "cuda");
  });
}

TEST_F(DeviceWayOf, GoesByHostWhereARankHasNoNccl) {
  const RingOfSessions ring(kRanks, [](int rank) {
    SessionOptions options = optionsOf(rank);
    if (rank == 2) options.ncclLibrary = "/nowhere/libnccl.so.2";
    return options;
  });
  onRanks(kRanks, [&](int rank) {
    for (int step = 0; step < 2; ++step) {
      const auto sums = onGpu(ring[rank], rank, mayGoByHost(sumOf("x")));
      EXPECT_EQ(sums, (std::vector{sumOfAll(5), sumOfAll(40'000)}));
    }
    EXPECT_TRUE(ring[rank].deviceWay().starts_with("host: rank 2")) << ring[rank].deviceWay();
  });
}

// The second tensor comes to main memory only after the first one's sum has gone back.
TEST_F(DeviceWayOf, CopiesTensorsWhileOthersAreCombinedInMainMemory) {
  ::setenv("FAKE_CUDA_FETCH_AWAITS_STORE", "100000", 1);
  const RingOfSessions ring(kRanks, [](int rank) {
    SessionOptions options = optionsOf(rank);
    options.ncclLibrary = "/nowhere/libnccl.so.2";
    options.fusionThresholdBytes = 0;
    return options;
  });
  onRanks(kRanks, [&](int rank) {
    for (const DType payload : {DType::kFloat32, DType::kBfloat16}) {
      RequestHeader sum = mayGoByHost(sumOf(std::string(dtypeName(payload))));
      sum.payload = payload;
      const auto sums = onGpu(ring[rank], rank, sum);
      EXPECT_EQ(sums[0], sumOfAll(5));
      EXPECT_EQ(sums[1].front(), sumOfAll(1).front());
    }
  });
}

TEST_F(DeviceWayOf, GoesByHostForWhatGpusDoNotCombine) {
  const RingOfSessions ring(kRanks, optionsOf);
  onRanks(kRanks, [&](int rank) {
    RequestHeader adasum = mayGoByHost(sumOf("x"));
    adasum.op = ReduceOp::kAdasum;
    onGpu(ring[rank], rank, adasum);
    EXPECT_TRUE(ring[rank].deviceWay().starts_with("host: GPUs have no adasum")) << ring[rank].deviceWay();
    onGpu(ring[rank], rank, mayGoByHost(sumOf("x")));
    EXPECT_EQ(ring[rank].deviceWay(), "cuda");
  });
}

TEST_F(DeviceWayOf, WantsOutputsForWhatMayGoByHost) {
  const RingOfSessions ring(kRanks, optionsOf);
  Running running(ring[0], mayGoByHost(sumOf("x")), {{1}});
  EXPECT_TRUE(failsWith(StatusCode::kInvalidArgument, {"outputs"}, running.wait()));
}

}  // namespace
}  // namespace tsring
