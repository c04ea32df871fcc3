#pragma once

#include <cstddef>

namespace tsring {

/// A two-dimensional pooling over [batch, height, width, channels], as TensorFlow lays them out.
struct Pooling {
  size_t batch, height, width, channels;
  size_t outHeight, outWidth;
  size_t windowHeight, windowWidth;
  size_t strideHeight, strideWidth;
  size_t padTop, padLeft;
};

/// The gradient of max pooling by its input: each output's gradient goes to the first of its window, row by row, that
/// is the maximum. For image `image` and channels [begin, end); parts of other images or channels may be done on other
/// threads.
///
/// `input` and `inputGradient` are [batch, height, width, channels] float32, `output` and `outputGradient`
/// [batch, outHeight, outWidth, channels]. Every element of the part of `inputGradient` is written.
void maxPoolGradient(const Pooling& pooling, size_t image, size_t begin, size_t end, const float* input,
                     const float* output, const float* outputGradient, float* inputGradient);

}  // namespace tsring
