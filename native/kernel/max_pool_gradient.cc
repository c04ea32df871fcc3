#include "kernel/max_pool_gradient.h"

#include <algorithm>
#include <array>

#include "kernel/target_clones.h"

namespace tsring {
namespace {

constexpr size_t kChannelsAtOnce = 64;

/// Hands what is left of the outputs' gradients to the inputs of one place that are the maximum.
TSRING_TARGET_CLONES void handOver(const float* input, const float* output, float* left, float* gradient,
                                   size_t channels) {
#pragma GCC ivdep
  for (size_t c = 0; c < channels; ++c) {
    const bool isMaximum = input[c] == output[c];
    gradient[c] += isMaximum ? left[c] : 0.0F;
    left[c] = isMaximum ? 0.0F : left[c];
  }
}

struct Window {
  size_t top, bottom, left, right;  // rows [top, bottom), columns [left, right) of the input
};

Window windowAt(const Pooling& p, size_t row, size_t column) {
  const auto clip = [](size_t start, size_t size, size_t pad, size_t end) {
    return std::pair{start > pad ? start - pad : 0, std::min(start + size > pad ? start + size - pad : 0, end)};
  };
  const auto [top, bottom] = clip(row * p.strideHeight, p.windowHeight, p.padTop, p.height);
  const auto [left, right] = clip(column * p.strideWidth, p.windowWidth, p.padLeft, p.width);
  return {top, bottom, left, right};
}

}  // namespace

void maxPoolGradient(const Pooling& p, size_t image, size_t begin, size_t end, const float* input, const float* output,
                     const float* outputGradient, float* inputGradient) {
  const size_t inputs = image * p.height * p.width;
  const size_t outputs = image * p.outHeight * p.outWidth;
  for (size_t i = inputs; i < inputs + p.height * p.width; ++i) {
    std::fill(inputGradient + i * p.channels + begin, inputGradient + i * p.channels + end, 0.0F);
  }
  std::array<float, kChannelsAtOnce> left;
  for (size_t from = begin; from < end; from += kChannelsAtOnce) {
    const size_t count = std::min(kChannelsAtOnce, end - from);
    for (size_t row = 0; row < p.outHeight; ++row) {
      for (size_t column = 0; column < p.outWidth; ++column) {
        const size_t out = (outputs + row * p.outWidth + column) * p.channels + from;
        std::copy_n(outputGradient + out, count, left.data());
        const Window window = windowAt(p, row, column);
        for (size_t y = window.top; y < window.bottom; ++y) {
          for (size_t x = window.left; x < window.right; ++x) {
            const size_t in = (inputs + y * p.width + x) * p.channels + from;
            handOver(input + in, output + out, left.data(), inputGradient + in, count);
          }
        }
      }
    }
  }
}

}  // namespace tsring
