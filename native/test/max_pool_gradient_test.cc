#include "kernel/max_pool_gradient.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

namespace tsring {
namespace {

/// As defined: for each output the first element of its window that is the largest.
std::vector<float> plainly(const Pooling& p, const std::vector<float>& in, const std::vector<float>& outGradient) {
  std::vector<float> gradient(in.size());
  for (size_t n = 0; n < p.batch; ++n)
    for (size_t row = 0; row < p.outHeight; ++row)
      for (size_t column = 0; column < p.outWidth; ++column)
        for (size_t c = 0; c < p.channels; ++c) {
          float best = -std::numeric_limits<float>::infinity();
          size_t at = 0;
          for (size_t i = 0; i < p.windowHeight; ++i)
            for (size_t j = 0; j < p.windowWidth; ++j) {
              const size_t y = row * p.strideHeight + i - p.padTop;  // wraps above the image
              const size_t x = column * p.strideWidth + j - p.padLeft;
              if (y >= p.height || x >= p.width) continue;
              const size_t place = ((n * p.height + y) * p.width + x) * p.channels + c;
              if (in[place] > best) {
                best = in[place];
                at = place;
              }
            }
          gradient[at] += outGradient[((n * p.outHeight + row) * p.outWidth + column) * p.channels + c];
        }
  return gradient;
}

std::vector<float> outputsOf(const Pooling& p, const std::vector<float>& in) {
  std::vector<float> out(p.batch * p.outHeight * p.outWidth * p.channels, -std::numeric_limits<float>::infinity());
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t c = i % p.channels, column = i / p.channels % p.outWidth;
    const size_t row = i / p.channels / p.outWidth % p.outHeight, n = i / p.channels / p.outWidth / p.outHeight;
    for (size_t y = 0; y < p.height; ++y)
      for (size_t x = 0; x < p.width; ++x) {
        const size_t fromTop = y + p.padTop - row * p.strideHeight, fromLeft = x + p.padLeft - column * p.strideWidth;
        if (fromTop >= p.windowHeight || fromLeft >= p.windowWidth) continue;
        out[i] = std::max(out[i], in[((n * p.height + y) * p.width + x) * p.channels + c]);
      }
  }
  return out;
}

TEST(MaxPoolGradient, GoesToTheFirstMaximumOfEachWindow) {
  std::mt19937 random(1);
  for (const size_t channels : {1, 16, 67}) {
    for (const size_t pad : {0, 1}) {
      for (const size_t stride : {1, 2, 3}) {
        const Pooling p{
            2,      7,      5,   channels, (7 + 2 * pad - 3) / stride + 1, (5 + 2 * pad - 2) / stride + 1, 3, 2,
            stride, stride, pad, pad};
        std::vector<float> in(p.batch * p.height * p.width * channels), outGradient;
        for (float& value : in) value = static_cast<float>(random() % 4);  // many are equal
        const std::vector<float> out = outputsOf(p, in);
        for (size_t i = 0; i < out.size(); ++i) outGradient.push_back(static_cast<float>(i % 13));
        std::vector<float> gradient(in.size(), 99.0F);
        for (size_t image = 0; image < p.batch; ++image) {
          const size_t middle = channels / 2;
          maxPoolGradient(p, image, 0, middle, in.data(), out.data(), outGradient.data(), gradient.data());
          maxPoolGradient(p, image, middle, channels, in.data(), out.data(), outGradient.data(), gradient.data());
        }
        EXPECT_EQ(gradient, plainly(p, in, outGradient)) << channels << " channels, pad " << pad << ", " << stride;
      }
    }
  }
}

}  // namespace
}  // namespace tsring
