#include "kernel/bias.h"

#include <algorithm>
#include <vector>

#include "kernel/add_to.h"
#include "kernel/target_clones.h"

namespace tsring {
namespace {

constexpr size_t kRowsAtOnce = 64;

TSRING_TARGET_CLONES void addToRow(const float* __restrict bias, float* __restrict values, size_t rows,
                                   size_t channels) {
  for (size_t row = 0; row < rows; ++row, values += channels) {
    for (size_t c = 0; c < channels; ++c) values[c] += bias[c];
  }
}

TSRING_TARGET_CLONES void addToRowWithRelu(const float* __restrict bias, float* __restrict values, size_t rows,
                                           size_t channels) {
  for (size_t row = 0; row < rows; ++row, values += channels) {
    for (size_t c = 0; c < channels; ++c) {
      const float sum = values[c] + bias[c];
      values[c] = sum < 0.0F ? 0.0F : sum;
    }
  }
}

TSRING_TARGET_CLONES void gradientOfRows(const float* __restrict outputGradient, const float* __restrict output,
                                         size_t rows, size_t channels, float* __restrict gradient,
                                         float* __restrict sums) {
  for (size_t row = 0; row < rows; ++row) {
    for (size_t c = 0; c < channels; ++c) {
      const float passed = output[c] > 0.0F ? outputGradient[c] : 0.0F;
      gradient[c] = passed;
      sums[c] += passed;
    }
    outputGradient += channels;
    output += channels;
    gradient += channels;
  }
}

}  // namespace

void addBias(const float* bias, bool relu, float* values, size_t rows, size_t channels) {
  (relu ? addToRowWithRelu : addToRow)(bias, values, rows, channels);
}

void biasReluGradient(const float* outputGradient, const float* output, size_t rows, size_t channels, float* gradient,
                      float* sums) {
  std::fill_n(sums, channels, 0.0F);
  std::vector<float> some(channels);
  for (size_t row = 0; row < rows; row += kRowsAtOnce) {
    std::ranges::fill(some, 0.0F);
    const size_t first = row * channels;
    gradientOfRows(outputGradient + first, output + first, std::min(kRowsAtOnce, rows - row), channels,
                   gradient + first, some.data());
    addTo(sums, some.data(), channels);
  }
}

}  // namespace tsring
