#pragma once

#include "tensorflow/tensorflow_api.h"

namespace tsring {

// What follows a convolution or a product of matrices in a layer, and its gradient, in one pass each. float32 alone;
// the attribute `threads` says how many threads may work at it. Wrong sizes become a TensorFlow status.

/// TsringAddBias(bias: float[c], values: float[..., c]) -> sums: float[..., c]; TsringAddBiasRelu has zero for sums
/// below it. The result lies where `values` do: who calls this owns them, and nobody reads them afterwards.
void computeAddBias(void* kernel, TF_OpKernelContext* context);
void computeAddBiasRelu(void* kernel, TF_OpKernelContext* context);

/// TsringBiasReluGradient(outputGradient: float[..., c], output: float[..., c]) -> gradient: float[..., c],
/// biasGradient: float[c].
void computeBiasReluGradient(void* kernel, TF_OpKernelContext* context);

/// What a kernel of these keeps of its attribute: makes it, and takes it back.
void* createBiasKernel(TF_OpKernelConstruction* construction);
void destroyBiasKernel(void* kernel);

}  // namespace tsring
