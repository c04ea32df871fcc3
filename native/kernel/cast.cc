#include "kernel/cast.h"

#include "kernel/half.h"

namespace tsring {

void packCast(DType dtype, std::byte* out, const float* values, size_t count, float factor) {
  halfKernels(dtype).narrow(out, values, count, factor);
}

void unpackCast(float* out, DType dtype, const std::byte* values, size_t count, float factor) {
  halfKernels(dtype).widen(out, values, count, factor);
}

}  // namespace tsring
