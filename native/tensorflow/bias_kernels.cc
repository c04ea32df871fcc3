#include "tensorflow/bias_kernels.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "kernel/add_to.h"
#include "kernel/bias.h"
#include "tensorflow/tensors.h"

namespace tsring {
namespace {

struct BiasKernel {
  size_t threads;
};

Status addBiasTo(void* kernel, TF_OpKernelContext* context, bool relu);
Status gradientOf(void* kernel, TF_OpKernelContext* context);

}  // namespace

void computeAddBias(void* kernel, TF_OpKernelContext* context) {
  report(context, addBiasTo(kernel, context, false));
}

void computeAddBiasRelu(void* kernel, TF_OpKernelContext* context) {
  report(context, addBiasTo(kernel, context, true));
}

void computeBiasReluGradient(void* kernel, TF_OpKernelContext* context) {
  report(context, gradientOf(kernel, context));
}

void* createBiasKernel(TF_OpKernelConstruction* construction) {
  const Answer answer;
  int32_t threads = 1;
  tensorflowApi().OpKernelConstruction_GetAttrInt32(construction, "threads", &threads, answer.get());
  return std::make_unique<BiasKernel>(static_cast<size_t>(std::max(threads, 1))).release();
}

void destroyBiasKernel(void* kernel) {
  const std::unique_ptr<BiasKernel> owned(static_cast<BiasKernel*>(kernel));
}

namespace {

constexpr size_t kElementsInPart = 16 * 1024;      // with what they are read from and written to in a core's cache
constexpr size_t kElementsForThread = 256 * 1024;  // less is done before a thread has started

/// Rows in parts, which depend on the shape alone, so that sums do not depend on threads.
struct RowParts {
  size_t rows, channels, rowsInPart, count, threads;
};

RowParts partsOf(const Shape& shape, const void* kernel) {
  const auto channels = static_cast<size_t>(shape.back());
  const size_t rows = channels == 0 ? 0 : elementCount(shape) / channels;
  const size_t rowsInPart = std::max<size_t>(kElementsInPart / std::max<size_t>(channels, 1), 1);
  return {rows, channels, rowsInPart, (rows + rowsInPart - 1) / rowsInPart,
          std::clamp<size_t>(rows * channels / kElementsForThread, 1, static_cast<const BiasKernel*>(kernel)->threads)};
}

/// Calls `part(i, first row, rows)` for each, on several threads where there is work for them.
template <typename Part>
void forEachPart(const RowParts& parts, const Part& part) {
  inParallel(parts.threads, parts.count, [&](size_t i) {
    const size_t first = i * parts.rowsInPart;
    part(i, first, std::min(parts.rowsInPart, parts.rows - first));
  });
}

Status misfit(const char* what) {
  return {StatusCode::kInvalidArgument, what};
}

Status addBiasTo(void* kernel, TF_OpKernelContext* context, bool relu) {
  const Result<FloatTensors> read = floatsFrom(context, 0);
  if (!read.ok()) return read.status();
  const auto& [references, shapes, data] = read.value();
  if (shapes[0].size() != 1 || shapes[1].empty() || shapes[0][0] != shapes[1].back()) {
    return misfit("a bias does not have one number for each channel");
  }
  const RowParts parts = partsOf(shapes[1], kernel);
  forEachPart(parts, [&, &data = data](size_t, size_t first, size_t rows) {
    addBias(data[0], relu, data[1] + first * parts.channels, rows, parts.channels);
  });
  return setOutput(context, 0, references[1]);
}

Status gradientOf(void* kernel, TF_OpKernelContext* context) {
  const Result<FloatTensors> read = floatsFrom(context, 0);
  if (!read.ok()) return read.status();
  const auto& [references, shapes, data] = read.value();
  if (shapes[0].empty() || shapes[0] != shapes[1]) return misfit("an output and its gradient have different shapes");
  const RowParts parts = partsOf(shapes[0], kernel);
  const Result<float*> gradient = allocateFloats(context, 0, shapes[0]);
  if (!gradient.ok()) return gradient.status();
  const Result<float*> biasGradient = allocateFloats(context, 1, {shapes[0].back()});
  if (!biasGradient.ok()) return biasGradient.status();
  std::vector<float> sums(parts.count * parts.channels);
  forEachPart(parts, [&, &data = data](size_t i, size_t first, size_t rows) {
    const size_t at = first * parts.channels;
    biasReluGradient(data[0] + at, data[1] + at, rows, parts.channels, gradient.value() + at,
                     sums.data() + i * parts.channels);
  });
  std::fill_n(biasGradient.value(), parts.channels, 0.0F);
  for (size_t i = 0; i < parts.count; ++i) {
    addTo(biasGradient.value(), sums.data() + i * parts.channels, parts.channels);
  }
  return {};
}

}  // namespace
}  // namespace tsring
