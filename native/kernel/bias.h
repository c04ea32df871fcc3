#pragma once

#include <cstddef>

namespace tsring {

/// Adds bias[c] to each of `rows` x `channels` values, in place; with `relu` what is then below zero becomes zero. NaN
/// stays NaN. float32.
void addBias(const float* bias, bool relu, float* values, size_t rows, size_t channels);

/// The gradient of addBias with relu: `gradient` is `outputGradient` where `output` is above zero, and zero elsewhere;
/// `sums` become the sums of each channel, the bias' gradient. Arrays are `rows` x `channels` float32 and overlap none
/// of the others. Sums are taken of a few rows at a time, then of these, so that many rows cost no precision.
void biasReluGradient(const float* outputGradient, const float* output, size_t rows, size_t channels, float* gradient,
                      float* sums);

}  // namespace tsring
