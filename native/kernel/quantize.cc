#include "kernel/quantize.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernel/target_clones.h"

namespace tsring {
namespace {

constexpr float kSteps = 127;
constexpr float kLeastMagnitude = 1e-35F;
// Added to a small number, it leaves no room for a fraction: the sum's last bits are the number, rounded to nearest.
constexpr float kRounder = 0x1.8p23F;

/// Of all bits but the sign. Compared as integers, so that a NaN is the largest of all.
TSRING_TARGET_CLONES uint32_t largestMagnitude(const float* values, size_t count) {
  uint32_t largest = 0;
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits;
    std::memcpy(&bits, values + i, sizeof bits);
    largest = std::max(largest, bits & 0x7fffffff);
  }
  return largest;
}

TSRING_TARGET_CLONES void roundAll(int8_t* out, const float* values, size_t count, float stepsPerUnit) {
  for (size_t i = 0; i < count; ++i) {
    const auto rounded = std::bit_cast<int32_t>(values[i] * stepsPerUnit + kRounder);
    out[i] = static_cast<int8_t>(rounded - std::bit_cast<int32_t>(kRounder));
  }
}

TSRING_TARGET_CLONES void widen(float* out, const int8_t* steps, size_t count, float scale) {
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(steps[i]) * scale;
}

TSRING_TARGET_CLONES void addWidened(float* out, const int8_t* steps, size_t count, float scale) {
  for (size_t i = 0; i < count; ++i) out[i] += static_cast<float>(steps[i]) * scale;
}

TSRING_TARGET_CLONES void multiply(float* out, const float* values, size_t count, float factor) {
  for (size_t i = 0; i < count; ++i) out[i] = values[i] * factor;
}

void quantizeBlock(std::byte* out, const float* values, size_t count) {
  const auto magnitude = std::bit_cast<float>(largestMagnitude(values, count));
  float scale = magnitude / kSteps;
  auto* const steps = reinterpret_cast<int8_t*>(out + sizeof scale);
  std::memset(steps, 0, kQuantizedBlockCount);
  if (!(magnitude <= std::numeric_limits<float>::max())) {
    scale = std::numeric_limits<float>::quiet_NaN();
  } else if (magnitude < kLeastMagnitude) {
    scale = 0;
  } else {
    roundAll(steps, values, count, kSteps / magnitude);
  }
  std::memcpy(out, &scale, sizeof scale);
}

/// Calls body(scale, steps, first element, number of elements) for each block of `count` elements.
template <typename Body>
void eachBlock(const std::byte* blocks, size_t count, Body body) {
  for (size_t begin = 0; begin < count; begin += kQuantizedBlockCount, blocks += kQuantizedBlockBytes) {
    float scale;
    std::memcpy(&scale, blocks, sizeof scale);
    const auto* const steps = reinterpret_cast<const int8_t*>(blocks + sizeof scale);
    body(scale, steps, begin, std::min(kQuantizedBlockCount, count - begin));
  }
}

}  // namespace

void quantize(std::byte* out, const float* values, size_t count, float factor) {
  float scaled[kQuantizedBlockCount];
  for (size_t begin = 0; begin < count; begin += kQuantizedBlockCount, out += kQuantizedBlockBytes) {
    const size_t length = std::min(kQuantizedBlockCount, count - begin);
    if (factor != 1) multiply(scaled, values + begin, length, factor);
    quantizeBlock(out, factor == 1 ? values + begin : scaled, length);
  }
}

void dequantize(float* out, const std::byte* blocks, size_t count, float factor) {
  eachBlock(blocks, count, [&](float scale, const int8_t* steps, size_t begin, size_t length) {
    widen(out + begin, steps, length, scale * factor);
  });
}

void addDequantized(float* out, const std::byte* blocks, size_t count) {
  eachBlock(blocks, count, [&](float scale, const int8_t* steps, size_t begin, size_t length) {
    addWidened(out + begin, steps, length, scale);
  });
}

}  // namespace tsring
