// kernels.cu, compiled for the CPU, against the CPU's own kernels: bit for bit.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "base/bytes.h"
#include "kernel/half.h"
#include "kernel/scale.h"

namespace {

unsigned hostRow = 0;

}  // namespace

#define TSRING_HOST_KERNELS
#include "nccl/kernels.cu"

namespace tsring {
namespace {

using Kernel = void (*)(const Segment*, double);

Bytes randomBits(size_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  Bytes bits(bytes);
  for (std::byte& byte : bits) byte = static_cast<std::byte>(random());
  return bits;
}

/// Numbers of every size, infinities, denormals, and NaN of a kind that arithmetic leaves as it is.
Bytes randomElements(DType dtype, size_t count) {
  Bytes bits = randomBits(count * elementSize(dtype), 7);
  return bits;
}

/// By the kernel, in two segments, the second of which begins at an odd place.
Bytes byKernel(Kernel kernel, const Bytes& from, DType fromType, DType toType, double factor) {
  const size_t count = from.size() / elementSize(fromType);
  const size_t first = count / 3;
  Bytes to(count * elementSize(toType));
  const Segment segments[] = {
      {to.data(), from.data(), first},
      {to.data() + first * elementSize(toType), from.data() + first * elementSize(fromType), count - first}};
  for (hostRow = 0; hostRow < 2; ++hostRow) kernel(segments, factor);
  return to;
}

struct Scaling {
  DType dtype;
  Kernel kernel;
};

TEST(DeviceKernels, ScaleAsTheCpuDoes) {
  const Scaling scalings[] = {
      {DType::kFloat32, tsring_scale_float32}, {DType::kFloat64, tsring_scale_float64},
      {DType::kFloat16, tsring_scale_float16}, {DType::kBfloat16, tsring_scale_bfloat16},
      {DType::kUint8, tsring_scale_uint8},     {DType::kInt8, tsring_scale_int8},
      {DType::kUint16, tsring_scale_uint16},   {DType::kInt16, tsring_scale_int16},
      {DType::kInt32, tsring_scale_int32},     {DType::kInt64, tsring_scale_int64},
  };
  for (const auto& [dtype, kernel] : scalings) {
    const Bytes values = randomElements(dtype, 70'001);
    for (const double factor : {1.0, 0.5, 3.0, -1e-3, 1e6, 1e-40}) {
      Bytes expected(values.size());
      scale(dtype, expected.data(), values.data(), values.size() / elementSize(dtype), factor);
      EXPECT_TRUE(byKernel(kernel, values, dtype, dtype, factor) == expected)
          << dtypeName(dtype) << " times " << factor;
    }
  }
}

TEST(DeviceKernels, WidenEvery16BitFloatAsTheCpuDoes) {
  Bytes halves(2 << 16);
  for (unsigned bits = 0; bits < 1U << 16; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    std::memcpy(halves.data() + 2 * bits, &half, 2);
  }
  const std::pair<DType, Kernel> kernels[] = {{DType::kFloat16, tsring_widen_float16},
                                              {DType::kBfloat16, tsring_widen_bfloat16}};
  for (const auto& [dtype, kernel] : kernels) {
    for (const float factor : {1.0F, 0.25F}) {
      Bytes expected(2 * halves.size());
      halfKernels(dtype).widen(reinterpret_cast<float*>(expected.data()), halves.data(), 1U << 16, factor);
      EXPECT_TRUE(byKernel(kernel, halves, dtype, DType::kFloat32, factor) == expected) << dtypeName(dtype);
    }
  }
}

TEST(DeviceKernels, NarrowAsTheCpuDoes) {
  const Bytes values = randomElements(DType::kFloat32, 300'001);
  const std::pair<DType, Kernel> kernels[] = {{DType::kFloat16, tsring_narrow_float16},
                                              {DType::kBfloat16, tsring_narrow_bfloat16}};
  for (const auto& [dtype, kernel] : kernels) {
    for (const float factor : {1.0F, 0.125F, 1e-30F}) {
      Bytes expected(values.size() / 2);
      halfKernels(dtype).narrow(expected.data(), reinterpret_cast<const float*>(values.data()), values.size() / 4,
                                factor);
      EXPECT_TRUE(byKernel(kernel, values, DType::kFloat32, dtype, factor) == expected) << dtypeName(dtype);
    }
  }
}

TEST(DeviceKernels, CopyBytesWhereverTheyLieAndZerosFromNowhere) {
  const Bytes values = randomBits(1000, 1);
  for (const size_t offset : {0, 1, 8, 16}) {
    Bytes to(1100, std::byte{9});
    const Segment segments[] = {{to.data() + offset, values.data(), 999}, {to.data() + 1050, nullptr, 20}};
    for (hostRow = 0; hostRow < 2; ++hostRow) tsring_copy(segments, 1);
    EXPECT_TRUE(std::memcmp(to.data() + offset, values.data(), 999) == 0) << offset;
    EXPECT_EQ(to[offset + 999], std::byte{9});
    EXPECT_EQ(to[1050], std::byte{0});
    EXPECT_EQ(to[1069], std::byte{0});
    EXPECT_EQ(to[1070], std::byte{9});
  }
}

}  // namespace
}  // namespace tsring
