#pragma once

#include <cstddef>

#include "base/dtype.h"

namespace tsring {

// Float32 that travel as 16-bit floats. kernel/half.h tells how they round.

/// out[i] = values[i] * factor as `dtype`, kFloat16 or kBfloat16. `out` lies apart from `values`.
void packCast(DType dtype, std::byte* out, const float* values, size_t count, float factor = 1);

/// out[i] = values[i] * factor, where `values` are of `dtype`.
void unpackCast(float* out, DType dtype, const std::byte* values, size_t count, float factor = 1);

}  // namespace tsring
