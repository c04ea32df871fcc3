#include "tensorflow/training_kernels.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/parallel.h"
#include "kernel/max_pool_gradient.h"
#include "kernel/update.h"
#include "tensorflow/tensors.h"

namespace tsring {
namespace {

Status update(TF_OpKernelContext* context);
Status poolGradient(TF_OpKernelContext* context);

}  // namespace

void computeUpdate(void* /*kernel*/, TF_OpKernelContext* context) {
  report(context, update(context));
}

void computeMaxPoolGradient(void* /*kernel*/, TF_OpKernelContext* context) {
  report(context, poolGradient(context));
}

namespace {

constexpr size_t kElementsAtOnce = 64 * 1024;
constexpr size_t kElementsInCache = 512 * 1024;  // a core's second level has 1 to 2 MiB, for all arrays together
constexpr size_t kChannelsInPart = 16;           // of a cache line: so that threads do not write the same one

Status wrong(const std::string& what) {
  return {StatusCode::kInvalidArgument, what};
}

/// Input `index`, of `type`, and its elements; what they are is checked by the caller.
template <typename T>
Result<std::span<const T>> vectorAt(TF_OpKernelContext* context, int index, TF_DataType type, size_t count,
                                    TensorReference& keeper) {
  Result<TensorReference> input = inputAt(context, index);
  if (!input.ok()) return input.status();
  keeper = std::move(input).value();
  const TF_Tensor* tensor = keeper.get();
  if (tensorflowApi().TensorType(tensor) != type || elementCount(shapeOf(tensor)) != count) {
    return wrong("input " + std::to_string(index) + " does not have " + std::to_string(count) + " numbers of its type");
  }
  return std::span(static_cast<const T*>(tensorflowApi().TensorData(tensor)), count);
}

Status checkShapes(const std::vector<Shape>& shapes, size_t count, const UpdateForm& form, size_t outputs) {
  if (count == 0 || shapes.size() != count * (2 + form.slots) || outputs != count * (1 + form.slots)) {
    return wrong("an update with " + std::to_string(form.slots) + " slots has " + std::to_string(shapes.size()) +
                 " tensors and " + std::to_string(outputs) + " results");
  }
  for (size_t i = count; i < shapes.size(); ++i) {
    if (shapes[i] != shapes[i % count]) return wrong("the arrays of an update have different shapes");
  }
  return {};
}

/// The results, and where they are: slots lie where they were if `inPlace`.
Result<std::vector<float*>> updateResults(TF_OpKernelContext* context, const FloatTensors& tensors, size_t count,
                                          bool inPlace) {
  std::vector<float*> outs;
  const auto outputs = static_cast<size_t>(tensorflowApi().NumOutputs(context));
  for (size_t i = 0; i < outputs; ++i) {
    if (const size_t slot = i + count; inPlace && i >= count) {
      if (Status s = setOutput(context, static_cast<int>(i), tensors.references[slot]); !s.ok()) return s;
      outs.push_back(tensors.data[slot]);
      continue;
    }
    const Result<float*> out = allocateFloats(context, i, tensors.shapes[i % count]);
    if (!out.ok()) return out.status();
    outs.push_back(out.value());
  }
  return outs;
}

Status update(TF_OpKernelContext* context) {
  TensorReference whichKeeper, factorKeeper;
  const Result<std::span<const int32_t>> which = vectorAt<int32_t>(context, 0, TF_INT32, 3, whichKeeper);
  if (!which.ok()) return which.status();
  const auto update = static_cast<Update>(which.value()[0]);
  const auto threads = static_cast<size_t>(std::max(which.value()[1], 1));
  const bool inPlace = which.value()[2] != 0;
  const UpdateForm form = formOf(update);
  if (form.factors == 0) return wrong("there is no update with number " + std::to_string(which.value()[0]));
  const Result<std::span<const float>> factors = vectorAt<float>(context, 1, TF_FLOAT, form.factors, factorKeeper);
  if (!factors.ok()) return factors.status();
  const Result<FloatTensors> read = floatsFrom(context, 2);
  if (!read.ok()) return read.status();
  const FloatTensors& tensors = read.value();
  const size_t count = tensors.shapes.size() / (2 + form.slots);
  const auto outputs = static_cast<size_t>(tensorflowApi().NumOutputs(context));
  if (Status s = checkShapes(tensors.shapes, count, form, outputs); !s.ok()) return s;
  const Result<std::vector<float*>> outs = updateResults(context, tensors, count, inPlace);
  if (!outs.ok()) return outs.status();

  struct Piece {
    size_t array, begin, end;
  };
  std::vector<Piece> pieces;
  size_t total = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t elements = elementCount(tensors.shapes[i]);
    total += elements;
    for (size_t begin = 0; begin < elements; begin += kElementsAtOnce) {
      pieces.push_back({i, begin, std::min(begin + kElementsAtOnce, elements)});
    }
  }
  const WriteTo writeTo = total > kElementsInCache ? WriteTo::kMemory : WriteTo::kCache;
  inParallel(threads, pieces.size(), [&](size_t i) {
    const auto [array, begin, end] = pieces[i];
    UpdateArrays arrays{
        .value = tensors.data[array], .gradient = tensors.data[count + array], .newValue = outs.value()[array]};
    for (size_t k = 0; k < form.slots; ++k) {
      arrays.slots[k] = tensors.data[(2 + k) * count + array];
      arrays.newSlots[k] = outs.value()[(1 + k) * count + array];
    }
    applyUpdate(update, factors.value().data(), arrays, begin, end, writeTo);
  });
  return {};
}

Status poolGradient(TF_OpKernelContext* context) {
  TensorReference windowKeeper;
  const Result<std::span<const int32_t>> window = vectorAt<int32_t>(context, 0, TF_INT32, 7, windowKeeper);
  if (!window.ok()) return window.status();
  const auto w = [&](size_t i) { return static_cast<size_t>(window.value()[i]); };
  if (std::ranges::any_of(window.value().first(6), [](int32_t size) { return size < 0; }) || w(0) * w(1) == 0) {
    return wrong("a pooling's window has a size below 1");
  }
  const Result<FloatTensors> read = floatsFrom(context, 1);
  if (!read.ok()) return read.status();
  const FloatTensors& tensors = read.value();
  if (tensors.data.size() != 3 || tensors.shapes[0].size() != 4 || tensors.shapes[1].size() != 4 ||
      tensors.shapes[1] != tensors.shapes[2] || tensors.shapes[0][0] != tensors.shapes[1][0] ||
      tensors.shapes[0][3] != tensors.shapes[1][3]) {
    return wrong("a pooling's input, output and gradient do not fit together");
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
