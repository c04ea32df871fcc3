#include "kernel/max_pool_gradient.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernel/target_clones.h"

#define TSRING_INLINE inline __attribute__((always_inline))  // or it is compiled for the least vector unit alone

namespace tsring {
namespace {

/// Channels side by side: one register of the widest vector unit, several of others. As a type, because loops over
/// so many leave what is handed out in memory, where each place of the window waits for the one before.
using Channels = float __attribute__((vector_size(64)));

struct Window {
  size_t top, bottom, left, right;  // rows [top, bottom), columns [left, right) of the input
};

TSRING_INLINE std::pair<size_t, size_t> clip(size_t start, size_t size, size_t pad, size_t end) {
  return {start > pad ? start - pad : 0, std::min(start + size > pad ? start + size - pad : 0, end)};
}

/// What one output has to give, handed to the first of its window that is the maximum; for as many channels as T holds.
template <typename T>
TSRING_INLINE void handOut(const Pooling& p, const Window& window, const float* input, const float* output,
                           const float* outputGradient, float* inputGradient) {
  T maximum, left;
  std::memcpy(&maximum, output, sizeof(T));
  std::memcpy(&left, outputGradient, sizeof(T));
  for (size_t y = window.top; y < window.bottom; ++y) {
    for (size_t x = window.left; x < window.right; ++x) {
      const size_t at = (y * p.width + x) * p.channels;
      T value, gradient;
      std::memcpy(&value, input + at, sizeof(T));
      std::memcpy(&gradient, inputGradient + at, sizeof(T));
      const auto isMaximum = value == maximum;
      gradient += isMaximum ? left : T{};
      left = isMaximum ? T{} : left;
      std::memcpy(inputGradient + at, &gradient, sizeof(T));
    }
  }
}

/// Rows become zeros just before the first window reaches them, while they are in cache for what is handed out.
/// Pointers are to the image's first element.
TSRING_TARGET_CLONES void gradientOfImage(const Pooling& p, size_t begin, size_t end, const float* input,
                                          const float* output, const float* outputGradient, float* inputGradient) {
  constexpr size_t kLanes = sizeof(Channels) / sizeof(float);
  size_t zeroed = 0;
  const auto zeroUpTo = [&](size_t bottom) {
    for (; zeroed < bottom; ++zeroed) {
      for (size_t x = 0; x < p.width; ++x) {
        float* const place = inputGradient + (zeroed * p.width + x) * p.channels;
        std::fill(place + begin, place + end, 0.0F);
      }
    }
  };
  for (size_t row = 0; row < p.outHeight; ++row) {
    const auto [top, bottom] = clip(row * p.strideHeight, p.windowHeight, p.padTop, p.height);
    zeroUpTo(bottom);
    for (size_t column = 0; column < p.outWidth; ++column) {
      const auto [left, right] = clip(column * p.strideWidth, p.windowWidth, p.padLeft, p.width);
      const Window window{top, bottom, left, right};
      const size_t out = (row * p.outWidth + column) * p.channels;
      size_t c = begin;
      for (; c + kLanes <= end; c += kLanes)
        handOut<Channels>(p, window, input + c, output + out + c, outputGradient + out + c, inputGradient + c);
      for (; c < end; ++c)
        handOut<float>(p, window, input + c, output + out + c, outputGradient + out + c, inputGradient + c);
    }
  }
  zeroUpTo(p.height);
}

}  // namespace

void maxPoolGradient(const Pooling& p, size_t image, size_t begin, size_t end, const float* input, const float* output,
                     const float* outputGradient, float* inputGradient) {
  const size_t inputs = image * p.height * p.width * p.channels;
  const size_t outputs = image * p.outHeight * p.outWidth * p.channels;
  gradientOfImage(p, begin, end, input + inputs, output + outputs, outputGradient + outputs, inputGradient + inputs);
}

}  // namespace tsring
