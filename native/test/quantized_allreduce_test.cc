#include "engine/quantized_allreduce.h"

#include <cmath>

#include "test/helpers/ring_of_sessions.h"
#include "test/helpers/status_checks.h"

namespace tsring {
namespace {

RequestHeader quantized(const std::string& name, ReduceOp op = ReduceOp::kSum) {
  RequestHeader header = sumOf(name);
  header.payload = DType::kInt8;
  header.op = op;
  return header;
}

class QuantizedOf : public testing::TestWithParam<std::tuple<int, Transport>> {};

// Numbers that are alike need no rounding but that of the scale; over several buckets, into memory of ours and of the
// engine; fewer blocks than ranks, and more.
TEST_P(QuantizedOf, SumsAreThoseOfFloat32) {
  const auto [size, transport] = GetParam();
  for (const size_t threshold : {size_t{0}, size_t{600}, size_t{64 << 20}}) {
    SessionOptions options = testOptions();
    options.transport = transport;
    options.fusionThresholdBytes = threshold;
    const RingOfSessions ring(size, options);
    onRanks(size, [&](int rank) {
      for (const bool ownOutput : {false, true}) {
        std::vector<std::vector<float>> group;
        for (const size_t count : {3, 0, 3000, 1, 257}) group.emplace_back(count, static_cast<float>(rank + 2) * 127);
        Running sum(ring[rank], quantized("x"), group, {}, ownOutput);
        ASSERT_TRUE(isOk(sum.wait()));
        const auto total = static_cast<float>(2 * size + size * (size - 1) / 2) * 127;
        for (size_t i = 0; i < group.size(); ++i) {
          ASSERT_EQ(sum.numbers(i).size(), group[i].size());
          for (const float value : sum.numbers(i)) EXPECT_FLOAT_EQ(value, total);
        }
      }
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, QuantizedOf, testing::Combine(testing::Values(1, 2, 3), testing::ValuesIn(kTransports)),
                         [](const auto& info) {
                           return std::to_string(std::get<0>(info.param)) + transportName(std::get<1>(info.param));
                         });

// Each rank's number is off by half a step of its block, and so is their sum.
TEST(QuantizedAllreduce, IsOffByARoundingARankAndOneOfTheSum) {
  constexpr int kRanks = 3;
  constexpr int kCount = 2000;
  const auto valueOf = [](int rank, int i) { return std::sin(static_cast<float>(i * (rank + 1))); };
  const RingOfSessions ring(kRanks);
  std::vector<std::vector<float>> results(kRanks);
  onRanks(kRanks, [&](int rank) {
    std::vector<float> values;
    for (int i = 0; i < kCount; ++i) values.push_back(valueOf(rank, i));
    RequestHeader header = quantized("x", ReduceOp::kAverage);
    header.prescale = 0.5;
    header.postscale = 2;
    Running average(ring[rank], header, {values});
    ASSERT_TRUE(isOk(average.wait()));
    results[static_cast<size_t>(rank)] = average.numbers();
  });
  for (int i = 0; i < kCount; ++i) {
    float exact = 0;
    for (int rank = 0; rank < kRanks; ++rank) exact += valueOf(rank, i) / kRanks;
    EXPECT_LE(std::abs(results[0][static_cast<size_t>(i)] - exact), 2.0F / 254 * 1.01F) << i;
  }
  EXPECT_EQ(results[1], results[0]);
  EXPECT_EQ(results[2], results[0]);
}

TEST(QuantizedAllreduce, AddsUpFloat32Alone) {
  const RingOfSessions ring(1);
  EXPECT_EQ(Running(ring[0], quantized("x", ReduceOp::kMax), {{1}}).wait().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Running(ring[0], quantized("x", ReduceOp::kAdasum), {{1}}).wait().code(), StatusCode::kInvalidArgument);
  RequestHeader header = headerOf(OperationKind::kBroadcast, "x");
  header.payload = DType::kInt8;
  EXPECT_EQ(Running(ring[0], header, {{1}}).wait().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tsring
