#pragma once

#include <cstddef>

#include "base/dtype.h"

namespace tsring {

/// out[i] = values[i] * factor; `out` may be `values`, or lies apart: it scales while it packs. float32 and float64 in
/// their own precision, 16-bit floats in float32 and rounded once. Integers are multiplied as float64, truncated toward
/// zero, and stop at the ends of their range. A bool is not scaled.
void scale(DType dtype, std::byte* out, const std::byte* values, size_t count, double factor);

}  // namespace tsring
