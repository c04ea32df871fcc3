#pragma once

#include <vector>

#include "kernel/update.h"
#include "tensorflow/tensors.h"

namespace tsring {

/// What TsringUpdate (tensorflow/update_kernel.h), or TsringReduceAndUpdate, was called with, and the memory of its
/// results.
struct UpdateCall {
  Update update{};
  UpdateForm form{};
  size_t threads = 1;
  std::vector<float> factors;
  size_t count = 0;                   // of variables
  FloatTensors tensors;               // the variables, their gradients, their slots
  std::vector<TensorReference> outs;  // the new variables, their slots

  bool slotsInPlace() const { return outs.size() == count; }
  size_t elements(size_t variable) const { return elementCount(tensors.shapes[variable]); }
  UpdateArrays arrays(size_t variable) const;
  /// New values of many elements are past the caches before anyone reads them.
  WriteTo writeTo() const;

  /// Gives the gradients up, and then all else that the step reads and writes.
  std::vector<TensorReference> takeGradients();
  std::vector<TensorReference> takeOthers() &&;
};

/// Inputs from `first` on, and outputs but for the last `others`: allocated, but for slots that lie where they did.
/// Fails with kInvalidArgument where they do not fit together.
Result<UpdateCall> updateCall(TF_OpKernelContext* context, int first, size_t others);

}  // namespace tsring
