#include "tensorflow/update_call.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <string>
#include <utility>

namespace tsring {
namespace {

constexpr size_t kElementsInCache = 512 * 1024;  // a core's second level has 1 to 2 MiB, for all arrays together

Status checkShapes(const std::vector<Shape>& shapes, size_t count, const UpdateForm& form, size_t outputs) {
  if (count == 0 || shapes.size() != count * (2 + form.slots) || outputs != count * (1 + form.slots)) {
    return invalidInput("an update with " + std::to_string(form.slots) + " slots has " + std::to_string(shapes.size()) +
                        " tensors and " + std::to_string(outputs) + " results");
  }
  for (size_t i = count; i < shapes.size(); ++i) {
    if (shapes[i] != shapes[i % count]) return invalidInput("the arrays of an update have different shapes");
  }
  return {};
}

/// The results' memory: slots lie where they were if `inPlace`.
Result<std::vector<TensorReference>> updateResults(TF_OpKernelContext* context, UpdateCall& call, bool inPlace) {
  std::vector<TensorReference> outs;
  const size_t outputs = call.count * (1 + call.form.slots);
  for (size_t i = 0; i < outputs; ++i) {
    if (inPlace && i >= call.count) {
      if (Status s = setOutput(context, static_cast<int>(i), call.tensors.references[i + call.count]); !s.ok())
        return s;
      continue;
    }
    Result<TensorReference> out = allocateOutput(context, i, call.tensors.shapes[i % call.count]);
    if (!out.ok()) return out.status();
    outs.push_back(std::move(out).value());
  }
  return outs;
}

float* floatsOf(const TensorReference& tensor) {
  return static_cast<float*>(tensorflowApi().TensorData(tensor.get()));
}

}  // namespace

UpdateArrays UpdateCall::arrays(size_t variable) const {
  UpdateArrays arrays{.value = tensors.data[variable],
                      .gradient = tensors.data[count + variable],
                      .newValue = floatsOf(outs[variable])};
  for (size_t k = 0; k < form.slots; ++k) {
    float* const slot = tensors.data[(2 + k) * count + variable];
    arrays.slots[k] = slot;
    arrays.newSlots[k] = slotsInPlace() ? slot : floatsOf(outs[(1 + k) * count + variable]);
  }
  return arrays;
}

WriteTo UpdateCall::writeTo() const {
  size_t total = 0;
  for (size_t i = 0; i < count; ++i) total += elements(i);
  return total > kElementsInCache ? WriteTo::kMemory : WriteTo::kCache;
}

std::vector<TensorReference> UpdateCall::takeGradients() {
  const auto first = tensors.references.begin() + static_cast<ptrdiff_t>(count);
  const auto last = first + static_cast<ptrdiff_t>(count);
  std::vector<TensorReference> gradients(std::make_move_iterator(first), std::make_move_iterator(last));
  tensors.references.erase(first, last);
  return gradients;
}

std::vector<TensorReference> UpdateCall::takeOthers() && {
  std::ranges::move(outs, std::back_inserter(tensors.references));
  return std::move(tensors.references);
}

Result<UpdateCall> updateCall(TF_OpKernelContext* context, int first, size_t others) {
  TensorReference whichKeeper, factorKeeper;
  const Result<std::span<const int32_t>> which = vectorAt<int32_t>(context, first, 3, whichKeeper);
  if (!which.ok()) return which.status();
  UpdateCall call;
  call.update = static_cast<Update>(which.value()[0]);
  call.form = formOf(call.update);
  call.threads = static_cast<size_t>(std::max(which.value()[1], 1));
  const bool inPlace = which.value()[2] != 0;
  if (call.form.factors == 0) {
    return invalidInput("there is no update with number " + std::to_string(which.value()[0]));
  }
  const Result<std::span<const float>> factors = vectorAt<float>(context, first + 1, call.form.factors, factorKeeper);
  if (!factors.ok()) return factors.status();
  call.factors.assign(factors.value().begin(), factors.value().end());
  Result<FloatTensors> read = floatsFrom(context, first + 2);
  if (!read.ok()) return read.status();
  call.tensors = std::move(read).value();
  call.count = call.tensors.shapes.size() / (2 + call.form.slots);
  const auto outputs = static_cast<size_t>(tensorflowApi().NumOutputs(context)) - others;
  if (Status s = checkShapes(call.tensors.shapes, call.count, call.form, outputs); !s.ok()) return s;
  Result<std::vector<TensorReference>> outs = updateResults(context, call, inPlace);
  if (!outs.ok()) return outs.status();
  call.outs = std::move(outs).value();
  return call;
}

}  // namespace tsring
