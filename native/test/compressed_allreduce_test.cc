#include "engine/compressed_allreduce.h"

#include <cmath>

#include "test/helpers/ring_of_sessions.h"
#include "test/helpers/status_checks.h"

namespace tsring {
namespace {

RequestHeader compressed(const std::string& name, DType payload) {
  RequestHeader header = sumOf(name);
  header.payload = payload;
  return header;
}

class CompressedOf : public testing::TestWithParam<std::tuple<int, DType, Transport>> {};

// Whole numbers that 8 bits hold, so that sums are exact; over several buckets, into memory of ours and of the engine.
TEST_P(CompressedOf, SumsAreThoseOfFloat32) {
  const auto [size, payload, transport] = GetParam();
  for (const size_t threshold : {size_t{0}, size_t{256}, size_t{64 << 20}}) {
    SessionOptions options = testOptions();
    options.transport = transport;
    options.fusionThresholdBytes = threshold;
    const RingOfSessions ring(size, options);
    onRanks(size, [&](int rank) {
      for (const bool ownOutput : {false, true}) {
        std::vector<std::vector<float>> group;
        for (const size_t count : {3, 0, 100, 1, 17, 1001}) group.emplace_back(count, static_cast<float>(rank + 2));
        Running sum(ring[rank], compressed("x", payload), group, {}, ownOutput);
        ASSERT_TRUE(isOk(sum.wait()));
        const auto total = static_cast<float>(2 * size + size * (size - 1) / 2);
        for (size_t i = 0; i < group.size(); ++i) {
          EXPECT_EQ(sum.numbers(i), std::vector<float>(group[i].size(), total));
        }
      }
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, CompressedOf,
                         testing::Combine(testing::Values(1, 2, 3), testing::Values(DType::kFloat16, DType::kBfloat16),
                                          testing::ValuesIn(kTransports)),
                         [](const auto& info) {
                           return std::to_string(std::get<0>(info.param)) +
                                  std::string(dtypeName(std::get<1>(info.param))) +
                                  transportName(std::get<2>(info.param));
                         });

// Each number is rounded when it is packed, and each sum of two once: two roundings to 11 bits.
TEST(CompressedAllreduce, LosesNoMoreThanTwoRoundings) {
  const RingOfSessions ring(2);
  onRanks(2, [&](int rank) {
    std::vector<float> values;
    for (int i = 1; i <= 1000; ++i) values.push_back(static_cast<float>(i) * 0.01F);
    Running sum(ring[rank], compressed("x", DType::kFloat16), {values});
    ASSERT_TRUE(isOk(sum.wait()));
    const auto sums = sum.numbers();
    for (size_t i = 0; i < sums.size(); ++i) {
      EXPECT_LE(std::abs(sums[i] - 2 * values[i]), 2 * values[i] * std::ldexp(1.0F, -10)) << i;
    }
  });
}

TEST(CompressedAllreduce, RanksMustAgreeOnIt) {
  const RingOfSessions ring(2);
  onRanks(2, [&](int rank) {
    Running sum(ring[rank], compressed("x", rank == 0 ? DType::kFloat16 : DType::kBfloat16), {{1}});
    const Status status = sum.wait();
    EXPECT_EQ(status.code(), StatusCode::kMismatch);
    EXPECT_NE(status.message().find("rank 1 gave payload bfloat16, rank 0 gave float16"), std::string::npos)
        << status.message();
  });
}

TEST(CompressedAllreduce, IsForFloat32) {
  const RingOfSessions ring(1);
  RequestHeader header = compressed("x", DType::kInt16);
  EXPECT_EQ(Running(ring[0], header, {{1}}).wait().code(), StatusCode::kInvalidArgument);
  header = headerOf(OperationKind::kBroadcast, "x");
  header.payload = DType::kFloat16;
  EXPECT_EQ(Running(ring[0], header, {{1}}).wait().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tsring
