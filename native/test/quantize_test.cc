#include "kernel/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace tsring {
namespace {

std::vector<std::byte> quantized(const std::vector<float>& values, float factor = 1) {
  std::vector<std::byte> blocks(quantizedBlocks(values.size()) * kQuantizedBlockBytes);
  quantize(blocks.data(), values.data(), values.size(), factor);
  return blocks;
}

std::vector<float> thereAndBack(const std::vector<float>& values, float factorThere = 1, float factorBack = 1) {
  std::vector<float> out(values.size());
  dequantize(out.data(), quantized(values, factorThere).data(), values.size(), factorBack);
  return out;
}

TEST(Quantize, WholeNumbersUpTo127StayThemselves) {
  for (const size_t count : {1, 2, 100, 255, 256, 257, 1000}) {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i * 7 % 255) - 127;
    for (size_t begin = 0; begin < count; begin += kQuantizedBlockCount) values[begin] = 127;
    EXPECT_EQ(thereAndBack(values), values) << count;
    EXPECT_EQ(thereAndBack(values, 4, 0.25F), values) << count;
  }
}

TEST(Quantize, IsOffByHalfAStepAtMost) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (const float size : {1e-30F, 1e-3F, 1.0F, 1e30F}) {
    std::vector<float> values(1000);
    for (float& value : values) value = normal(random) * size;
    const auto back = thereAndBack(values);
    for (size_t begin = 0; begin < values.size(); begin += kQuantizedBlockCount) {
      float largest = 0;
      const size_t end = std::min(begin + kQuantizedBlockCount, values.size());
      for (size_t i = begin; i < end; ++i) largest = std::max(largest, std::abs(values[i]));
      for (size_t i = begin; i < end; ++i)
        EXPECT_LE(std::abs(back[i] - values[i]), largest / 254 * 1.001F) << size << " " << i;
    }
  }
}

TEST(Quantize, RoundsToNearestEven) {
  EXPECT_EQ(thereAndBack({127, 0.5F, 1.5F, 2.5F, -0.5F, -1.5F, 126.5F}),
            (std::vector<float>{127, 0, 2, 2, 0, -2, 126}));
}

TEST(Quantize, HidesNeitherInfinitiesNorNaN) {
  for (const float strange : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                              std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> values(600, 1);
    values[300] = strange;
    const auto back = thereAndBack(values);
    for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(std::isnan(back[i]), i / 256 == 1) << i;
  }
}

TEST(Quantize, ZerosAndWhatIsTooSmallAreZero) {
  EXPECT_EQ(thereAndBack({0, -0.0F, 0}), (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(thereAndBack({1e-36F, -1e-40F, std::numeric_limits<float>::denorm_min()}), (std::vector<float>{0, 0, 0}));
  EXPECT_FLOAT_EQ(thereAndBack({3e38F}).front(), 3e38F);
}

TEST(Quantize, AddsToWhatIsThere) {
  std::vector<float> values(300, 127);
  const auto blocks = quantized(values);
  std::vector<float> out(300, 0.5F);
  addDequantized(out.data(), blocks.data(), out.size());
  EXPECT_EQ(out, std::vector<float>(300, 127.5F));
}

TEST(Quantize, FillsTheLastBlockWithZeros) {
  const auto blocks = quantized({127});
  ASSERT_EQ(blocks.size(), kQuantizedBlockBytes);
  EXPECT_EQ(blocks[4], std::byte{127});
  for (size_t i = 5; i < blocks.size(); ++i) EXPECT_EQ(blocks[i], std::byte{0}) << i;
}

}  // namespace
}  // namespace tsring
