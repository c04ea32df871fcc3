#include "kernel/scale.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "test/helpers/elements.h"

namespace tsring {
namespace {

template <typename T>
std::vector<T> scaled(DType dtype, std::vector<T> values, double factor) {
  std::vector<T> apart(values.size());
  scale(dtype, reinterpret_cast<std::byte*>(apart.data()), reinterpret_cast<const std::byte*>(values.data()),
        values.size(), factor);
  auto* const bytes = reinterpret_cast<std::byte*>(values.data());
  scale(dtype, bytes, bytes, values.size(), factor);
  EXPECT_EQ(values, apart);
  return values;
}

TEST(Scale, MultipliesSmallNumbersOfEveryType) {
  for (const DType dtype : kAllDTypes) {
    withType(dtype, [&](auto zero) {
      using T = decltype(zero);
      std::vector<T> values, expected;
      for (int i = 0; i < 101; ++i) {
        values.push_back(static_cast<T>(i % 5));
        expected.push_back(static_cast<T>(dtype == DType::kBool ? i % 5 : i % 5 * 3));
      }
      EXPECT_EQ(scaled(dtype, values, 3), expected) << dtypeName(dtype);
    });
  }
}

TEST(Scale, TruncatesIntegersAndStopsAtTheEndsOfTheirRange) {
  EXPECT_EQ(scaled<int32_t>(DType::kInt32, {7, -7, INT32_MAX, INT32_MIN}, 0.5),
            (std::vector<int32_t>{3, -3, INT32_MAX / 2, INT32_MIN / 2}));
  EXPECT_EQ(scaled<int32_t>(DType::kInt32, {INT32_MAX, INT32_MIN, 5, -5}, 2),
            (std::vector<int32_t>{INT32_MAX, INT32_MIN, 10, -10}));
  EXPECT_EQ(scaled<int64_t>(DType::kInt64, {INT64_MAX, INT64_MIN, 1, -1}, 1),
            (std::vector<int64_t>{INT64_MAX, INT64_MIN, 1, -1}));
  EXPECT_EQ(scaled<uint8_t>(DType::kUint8, {200, 3, 0}, 1.5), (std::vector<uint8_t>{255, 4, 0}));
  EXPECT_EQ(scaled<uint16_t>(DType::kUint16, {1, 65535}, -1), (std::vector<uint16_t>{0, 0}));
  EXPECT_EQ(scaled<int8_t>(DType::kInt8, {127, -128}, 10), (std::vector<int8_t>{127, -128}));
}

TEST(Scale, FloatsRoundOnceAndMayOverflow) {
  EXPECT_EQ(scaled<float>(DType::kFloat32, {1.0F, -3.0F}, 1.0 / 3), (std::vector<float>{1.0F / 3, -1.0F}));
  EXPECT_EQ(scaled<double>(DType::kFloat64, {1.0}, 0.1), (std::vector<double>{0.1}));
  const auto halves = scaled<Float16>(DType::kFloat16, {Float16(1.0F), Float16(60000.0F)}, 1.5);
  EXPECT_EQ(float{halves[0]}, 1.5F);
  EXPECT_EQ(float{halves[1]}, std::numeric_limits<float>::infinity());
}

}  // namespace
}  // namespace tsring
