#include "kernel/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "kernel/cast.h"
#include "kernel/reduce.h"
#include "test/helpers/small_floats.h"

namespace tsring {
namespace {

constexpr VectorLevel kLevels[] = {VectorLevel::kBaseline, VectorLevel::kAvx2, VectorLevel::kAvx512};
constexpr DType kFormats[] = {DType::kFloat16, DType::kBfloat16};

std::string nameOf(DType dtype, VectorLevel level) {
  constexpr std::string_view kNames[] = {"Baseline", "Avx2", "Avx512"};
  return std::string(dtypeName(dtype)).append("_").append(kNames[static_cast<size_t>(level)]);
}

template <typename T>
const std::byte* rawBytes(const std::vector<T>& values) {
  return reinterpret_cast<const std::byte*>(values.data());
}
template <typename T>
std::byte* rawBytes(std::vector<T>& values) {
  return reinterpret_cast<std::byte*>(values.data());
}

uint16_t inBits(DType dtype, float value) {
  return dtype == DType::kFloat16 ? Float16(value).bits : Bfloat16(value).bits;
}
float inFloat(DType dtype, uint16_t bits) {
  return dtype == DType::kFloat16 ? float{Float16::ofBits(bits)} : float{Bfloat16::ofBits(bits)};
}
bool isNaN(DType dtype, uint16_t bits) {
  return dtype == DType::kFloat16 ? Float16::ofBits(bits).isNaN() : Bfloat16::ofBits(bits).isNaN();
}
/// Bits of a float32's mantissa that the format does not have.
int lostBits(DType dtype) {
  return dtype == DType::kFloat16 ? 13 : 16;
}
uint16_t quietBit(DType dtype) {
  return dtype == DType::kFloat16 ? 0x200 : 0x40;
}

std::vector<uint16_t> everyValue() {
  std::vector<uint16_t> values(1 << 16);
  std::iota(values.begin(), values.end(), uint16_t{0});
  return values;
}

/// Every kind of float32: those of the format, the middles between neighbours and what is next to them, and any bits.
std::vector<float> telling(DType dtype) {
  std::vector<float> values;
  for (const uint16_t bits : everyValue()) {
    const float value = inFloat(dtype, bits);
    if (isNaN(dtype, bits) || std::isinf(value)) continue;
    const float next = inFloat(dtype, static_cast<uint16_t>(bits + 1));
    const float middle = std::isinf(next) ? value : static_cast<float>((double{value} + double{next}) / 2);
    for (const float around : {value, middle}) {
      values.push_back(around);
      values.push_back(std::nextafterf(around, 1e38F));
      values.push_back(std::nextafterf(around, -1e38F));
    }
  }
  for (const float edge :
       {65504.0F, 65519.996F, 65520.0F, 65536.0F, 3.3895314e38F, 3.4e38F, 1e-45F, 0x1p-25F, 0x1.8p-25F}) {
    values.push_back(edge);
    values.push_back(-edge);
  }
  std::mt19937 random(7);
  for (int i = 0; i < 300'000; ++i) values.push_back(std::bit_cast<float>(static_cast<uint32_t>(random())));
  values.push_back(std::numeric_limits<float>::infinity());
  values.push_back(-std::numeric_limits<float>::infinity());
  return values;
}

class HalfKernel : public testing::TestWithParam<std::tuple<DType, VectorLevel>> {
 protected:
  void SetUp() override {
    if (!kernels_) GTEST_SKIP() << "this CPU has no such vectors";
  }
  const DType dtype_ = std::get<0>(GetParam());
  const HalfKernels* const kernels_ = halfKernelsAt(dtype_, std::get<1>(GetParam()));
};

TEST_P(HalfKernel, WidensEveryValueExactly) {
  const auto values = everyValue();
  std::vector<float> wide(values.size());
  kernels_->widen(wide.data(), rawBytes(values), values.size(), 1);
  for (const uint16_t bits : values) {
    if (isNaN(dtype_, bits)) {
      // Sign and payload stay. Multiplying by the factor makes it quiet.
      const uint32_t quiet = static_cast<uint32_t>(bits | quietBit(dtype_)) & 0x7fff;
      const uint32_t payload = (quiet << lostBits(dtype_)) & 0x7fffff;
      ASSERT_EQ(std::bit_cast<uint32_t>(wide[bits]), (bits >> 15 ? 0xff800000U : 0x7f800000U) | payload) << bits;
    } else {
      ASSERT_EQ(std::bit_cast<uint32_t>(wide[bits]), std::bit_cast<uint32_t>(inFloat(dtype_, bits))) << bits;
    }
  }
}

TEST_P(HalfKernel, NarrowsToNearestEven) {
  const auto values = telling(dtype_);
  std::vector<uint16_t> narrow(values.size());
  kernels_->narrow(rawBytes(narrow), values.data(), values.size(), 1);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto from = std::bit_cast<uint32_t>(values[i]);
    if (std::isnan(values[i])) {
      const uint32_t payload = (from & 0x7fffff) >> lostBits(dtype_);
      const uint32_t infinity = dtype_ == DType::kFloat16 ? 0x7c00 : 0x7f80;
      ASSERT_EQ(narrow[i], (from >> 31) << 15 | infinity | quietBit(dtype_) | payload) << std::hex << from;
    } else {
      ASSERT_EQ(narrow[i], inBits(dtype_, values[i])) << std::hex << from;
    }
  }
}

TEST_P(HalfKernel, CombinesAnyTwoInFloat32AndRoundsOnce) {
  std::mt19937 random(11);
  std::vector<uint16_t> a, b;
  for (int i = 0; i < 400'000; ++i) {
    const auto bits = static_cast<uint32_t>(random());
    a.push_back(static_cast<uint16_t>(bits));
    // Half of them near each other, where sums need the bits.
    b.push_back(static_cast<uint16_t>(i % 2 ? bits >> 16 : a.back() ^ (bits >> 16 & 0x83ff)));
  }
  const std::byte* const inputs[] = {rawBytes(a), rawBytes(b)};
  const auto check = [&](HalfKernels::Fold fold, const char* name, auto combineOne) {
    std::vector<uint16_t> out(a.size());
    fold(rawBytes(out), inputs, 2, a.size(), 1);
    for (size_t i = 0; i < a.size(); ++i) {
      const float expected = combineOne(inFloat(dtype_, a[i]), inFloat(dtype_, b[i]));
      if (std::isnan(expected)) {
        ASSERT_TRUE(isNaN(dtype_, out[i])) << name << " of " << a[i] << " and " << b[i];
      } else {
        ASSERT_EQ(inFloat(dtype_, out[i]), inFloat(dtype_, inBits(dtype_, expected)))
            << name << " of " << a[i] << " and " << b[i];
      }
    }
  };
  const auto either = [](float x, float y, float chosen) { return std::isnan(x) ? x : std::isnan(y) ? y : chosen; };
  check(kernels_->sum, "sum", [](float x, float y) { return x + y; });
  check(kernels_->product, "product", [](float x, float y) { return x * y; });
  check(kernels_->min, "min", [&](float x, float y) { return either(x, y, y < x ? y : x); });
  check(kernels_->max, "max", [&](float x, float y) { return either(x, y, x < y ? y : x); });
}

TEST_P(HalfKernel, KeepsManyInFloat32UntilTheEnd) {
  std::mt19937 random(13);
  std::normal_distribution<float> normal(0, 1);
  constexpr size_t kInputs = 9, kCount = 1009;
  std::vector<std::vector<uint16_t>> inputs(kInputs);
  std::vector<const std::byte*> pointers;
  for (auto& input : inputs) {
    for (size_t i = 0; i < kCount; ++i) input.push_back(inBits(dtype_, normal(random)));
    pointers.push_back(rawBytes(input));
  }
  std::vector<uint16_t> mean(kCount);
  kernels_->sum(rawBytes(mean), pointers.data(), kInputs, kCount, kInputs);
  for (size_t i = 0; i < kCount; ++i) {
    float total = inFloat(dtype_, inputs[0][i]);
    for (size_t k = 1; k < kInputs; ++k) total += inFloat(dtype_, inputs[k][i]);
    ASSERT_EQ(mean[i], inBits(dtype_, total / kInputs)) << i;
  }
}

TEST_P(HalfKernel, TakesEveryCountFromEveryStartAndTouchesNothingElse) {
  for (size_t count = 0; count <= 70; ++count) {
    for (const size_t start : {0, 1, 3}) {
      std::vector<uint16_t> values(start + count + 2, inBits(dtype_, 3));
      auto expected = values;
      for (size_t i = start; i < start + count; ++i) expected[i] = inBits(dtype_, 12);
      const std::byte* const inputs[] = {rawBytes(values) + 2 * start, rawBytes(values) + 2 * start};
      kernels_->sum(rawBytes(values) + 2 * start, inputs, 2, count, 1);
      kernels_->scale(rawBytes(values) + 2 * start, rawBytes(values) + 2 * start, count, 2);
      ASSERT_EQ(values, expected) << count << " from " << start;

      std::vector<float> wide(start + count + 2, -1);
      kernels_->widen(wide.data() + start, rawBytes(values) + 2 * start, count, 0.5F);
      std::vector<uint16_t> back(values.size(), 7);
      kernels_->narrow(rawBytes(back) + 2 * start, wide.data() + start, count, 2);
      for (size_t i = 0; i < back.size(); ++i) {
        const bool within = i >= start && i < start + count;
        ASSERT_EQ(wide[i], within ? 6 : -1);
        ASSERT_EQ(back[i], within ? values[i] : 7);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, HalfKernel, testing::Combine(testing::ValuesIn(kFormats), testing::ValuesIn(kLevels)),
                         [](const auto& info) { return nameOf(std::get<0>(info.param), std::get<1>(info.param)); });

TEST(Cast, PacksAndUnpacksWithAFactor) {
  const std::vector<float> values = {1, -2.5F, 1000, 0};
  for (const DType dtype : kFormats) {
    std::vector<uint16_t> packed(4);
    packCast(dtype, rawBytes(packed), values.data(), 4, 0.25F);
    EXPECT_EQ(packed, (std::vector<uint16_t>{inBits(dtype, 0.25F), inBits(dtype, -0.625F), inBits(dtype, 250), 0}));
    std::vector<float> unpacked(4);
    unpackCast(unpacked.data(), dtype, rawBytes(packed), 4, 4);
    EXPECT_EQ(unpacked, values);
  }
}

}  // namespace
}  // namespace tsring
