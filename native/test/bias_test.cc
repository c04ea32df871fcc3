#include "kernel/bias.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace tsring {
namespace {

struct Matrix {
  size_t rows, channels;
};

// One channel, ends inside a vector, more rows than are summed up at once.
const Matrix kMatrices[] = {{3, 1}, {1, 16}, {130, 67}, {200, 3}, {0, 5}};

std::vector<float> someValues(size_t count, size_t factor) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i * factor % 11) - 5.0F;
  return values;
}

TEST(Bias, IsAddedToEachRow) {
  for (const auto& [rows, channels] : kMatrices) {
    for (const bool relu : {false, true}) {
      const std::vector<float> before = someValues(rows * channels, 7), bias = someValues(channels, 3);
      std::vector<float> after = before;
      addBias(bias.data(), relu, after.data(), rows, channels);
      for (size_t i = 0; i < after.size(); ++i) {
        const float sum = before[i] + bias[i % channels];
        EXPECT_EQ(after[i], relu ? std::max(sum, 0.0F) : sum) << i << " of " << rows << " x " << channels;
      }
    }
  }
}

TEST(Bias, ReluKeepsWhatIsNoNumber) {
  const float bias = 1;
  float value = std::numeric_limits<float>::quiet_NaN();
  addBias(&bias, true, &value, 1, 1);
  EXPECT_TRUE(std::isnan(value));
}

TEST(Bias, GradientPassesWhereTheOutputIsAboveZero) {
  for (const auto& [rows, channels] : kMatrices) {
    const std::vector<float> given = someValues(rows * channels, 7), output = someValues(rows * channels, 5);
    std::vector<float> gradient(given.size(), 99.0F), sums(channels, 99.0F), expected(channels);
    biasReluGradient(given.data(), output.data(), rows, channels, gradient.data(), sums.data());
    for (size_t i = 0; i < given.size(); ++i) {
      const float passed = output[i] > 0 ? given[i] : 0;
      EXPECT_EQ(gradient[i], passed);
      expected[i % channels] += passed;
    }
    EXPECT_EQ(sums, expected) << rows << " x " << channels;  // small whole numbers
  }
}

TEST(Bias, SumsOfManyRowsAreExactToAFewBits) {
  constexpr size_t kRows = 100'000;
  const std::vector<float> ones(kRows, 1.0F), tenths(kRows, 0.1F);
  std::vector<float> gradient(kRows);
  float sum = 0;
  biasReluGradient(tenths.data(), ones.data(), kRows, 1, gradient.data(), &sum);
  EXPECT_NEAR(sum, 1e4, 1e4 * 2e-6 * 5);  // one after the other they give 9998.6
}

}  // namespace
}  // namespace tsring
