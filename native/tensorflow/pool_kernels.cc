#include "tensorflow/pool_kernels.h"

#include <algorithm>
#include <span>

#include "base/parallel.h"
#include "kernel/max_pool_gradient.h"
#include "tensorflow/tensors.h"

namespace tsring {
namespace {

Status poolGradient(TF_OpKernelContext* context);

}  // namespace

void computeMaxPoolGradient(void* /*kernel*/, TF_OpKernelContext* context) {
  report(context, poolGradient(context));
}

namespace {

constexpr size_t kChannelsInPart = 16;  // of a cache line: so that threads do not write the same one

Status poolGradient(TF_OpKernelContext* context) {
  TensorReference windowKeeper;
  const Result<std::span<const int32_t>> window = vectorAt<int32_t>(context, 0, 7, windowKeeper);
  if (!window.ok()) return window.status();
  const auto w = [&](size_t i) { return static_cast<size_t>(window.value()[i]); };
  if (std::ranges::any_of(window.value().first(6), [](int32_t size) { return size < 0; }) || w(0) * w(1) == 0) {
    return invalidInput("a pooling's window has a size below 1");
  }
  const Result<FloatTensors> read = floatsFrom(context, 1);
  if (!read.ok()) return read.status();
  const FloatTensors& tensors = read.value();
  if (tensors.data.size() != 3 || tensors.shapes[0].size() != 4 || tensors.shapes[1].size() != 4 ||
      tensors.shapes[1] != tensors.shapes[2] || tensors.shapes[0][0] != tensors.shapes[1][0] ||
      tensors.shapes[0][3] != tensors.shapes[1][3]) {
    return invalidInput("a pooling's input, output and gradient do not fit together");
  }
  const auto dim = [&](size_t tensor, size_t i) { return static_cast<size_t>(tensors.shapes[tensor][i]); };
  const Pooling pooling{.batch = dim(0, 0),
                        .height = dim(0, 1),
                        .width = dim(0, 2),
                        .channels = dim(0, 3),
                        .outHeight = dim(1, 1),
                        .outWidth = dim(1, 2),
                        .windowHeight = w(0),
                        .windowWidth = w(1),
                        .strideHeight = w(2),
                        .strideWidth = w(3),
                        .padTop = w(4),
                        .padLeft = w(5)};
  const Result<float*> gradient = allocateFloats(context, 0, tensors.shapes[0]);
  if (!gradient.ok()) return gradient.status();
  const size_t threads = std::max<size_t>(w(6), 1);
  // As few parts as keep all threads busy: a part of all channels reads memory in its order.
  const size_t wantedParts = (2 * threads + pooling.batch - 1) / std::max<size_t>(pooling.batch, 1);
  const size_t most = (pooling.channels + kChannelsInPart - 1) / kChannelsInPart;
  const size_t parts = std::clamp<size_t>(wantedParts, 1, std::max<size_t>(most, 1));
  const size_t wide = (most + parts - 1) / parts * kChannelsInPart;
  inParallel(threads, pooling.batch * parts, [&](size_t i) {
    const size_t begin = std::min(i % parts * wide, pooling.channels);
    const size_t end = std::min(begin + wide, pooling.channels);
    maxPoolGradient(pooling, i / parts, begin, end, tensors.data[0], tensors.data[1], tensors.data[2],
                    gradient.value());
  });
  return {};
}

}  // namespace
}  // namespace tsring
