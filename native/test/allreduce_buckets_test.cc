#include <algorithm>
#include <limits>
#include <vector>

#include "collective/cost_model.h"
#include "collective/cpu_backend.h"
#include "engine/allreduce.h"
#include "test/helpers/meshes.h"
#include "test/helpers/status_checks.h"

namespace tsring {
namespace {

/// A ring of one that notes how large the buckets are that come to it.
class NotesBuckets final : public CollectiveBackend {
 public:
  explicit NotesBuckets(uint64_t bestBucketBytes) : best_(bestBucketBytes) {}

  Status allreduce(std::span<std::byte> data, DType /*dtype*/, ReduceOp /*op*/) override {
    buckets.push_back(data.size());
    return Status::okay();
  }
  uint64_t bestBucketBytes() const override { return best_; }
  size_t index() const override { return 0; }
  size_t size() const override { return 1; }
  std::string_view allreduceWay(size_t /*bytes*/) const override { return "none"; }

  Status allgather(std::span<const std::span<std::byte>> /*blocks*/) override { return notMeant(); }
  Status broadcast(std::span<std::byte> /*data*/, int /*root*/) override { return notMeant(); }
  Status reducescatter(std::span<const std::span<std::byte>> /*blocks*/, DType /*dtype*/, ReduceOp /*op*/) override {
    return notMeant();
  }
  Status alltoall(std::span<const std::byte> /*from*/, std::span<std::byte> /*into*/,
                  const PairSizes& /*sizes*/) override {
    return notMeant();
  }
  Status adasum(std::span<std::byte> data, DType /*dtype*/, std::span<const Range> /*tensors*/) override {
    buckets.push_back(data.size());
    return Status::okay();
  }

  std::vector<size_t> buckets;  // bytes of each

 private:
  static Status notMeant() { return Status(StatusCode::kInternal, "an allreduce was asked for"); }

  const uint64_t best_;
};

/// The buckets in which tensors of so many float32 go.
std::vector<size_t> bucketsOf(const std::vector<size_t>& counts, size_t fusionThresholdBytes, uint64_t bestBucketBytes,
                              ReduceOp op = ReduceOp::kSum) {
  std::vector<std::vector<float>> values;
  Operation operation;
  operation.request.header.kind = OperationKind::kAllreduce;
  operation.request.header.name = "group";
  operation.request.header.op = op;
  for (const size_t count : counts) {
    values.emplace_back(count, 1.0F);
    operation.request.shapes.push_back({static_cast<int64_t>(count)});
    operation.tensors.push_back({.input = reinterpret_cast<const std::byte*>(values.back().data())});
  }
  NotesBuckets backend(bestBucketBytes);
  BlockPool pool;
  Outcome outcome;
  EXPECT_TRUE(isOk(allreduce({backend, pool, fusionThresholdBytes}, operation, outcome)));
  return backend.buckets;
}

constexpr uint64_t kAnySize = std::numeric_limits<uint64_t>::max();
// 1 KB each, so that padding changes nothing.
const std::vector<size_t> kTenTensors(10, 256);

TEST(AllreduceBuckets, AreNoLargerThanTheBackendTakesFastest) {
  EXPECT_EQ(bucketsOf(kTenTensors, 1 << 20, 4096), (std::vector<size_t>{4096, 4096, 2048}));
  EXPECT_EQ(bucketsOf(kTenTensors, 1 << 20, kAnySize), std::vector<size_t>{10 * 1024});
}

TEST(AllreduceBuckets, AreNoLargerThanTheFusionThresholdEither) {
  EXPECT_EQ(bucketsOf(kTenTensors, 2048, 4096), std::vector<size_t>(5, 2048));
}

TEST(AllreduceBuckets, OfOneLargeTensorAreOne) {
  EXPECT_EQ(bucketsOf({256, 10'000, 256}, 1 << 20, 4096), (std::vector<size_t>{1024, 40'000, 1024}));
}

TEST(AllreduceBuckets, OfAdasumGoByTheFusionThresholdAlone) {
  EXPECT_EQ(bucketsOf(kTenTensors, 1 << 20, 4096, ReduceOp::kAdasum), std::vector<size_t>{10 * 1024});
}

// What the backend for links says is what the model of costs says of a ring.
TEST(AllreduceBuckets, OverLinksAreWorthARing) {
  Tuning slow;
  slow.costs.of[static_cast<size_t>(Algorithm::kRing)].stepNanoseconds *= 64;
  for (const Tuning& tuning : {Tuning(), slow}) {
    const Meshes ranks = memoryMeshes(4);
    const CpuBackend backend(*ranks[0], nullptr, tuning, milliseconds(1000));
    EXPECT_EQ(backend.bestBucketBytes(), bytesWorthARing(tuning.costs, 4).value());
  }
}

}  // namespace
}  // namespace tsring
