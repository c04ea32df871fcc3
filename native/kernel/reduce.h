#pragma once

#include <cstddef>
#include <span>

#include "base/dtype.h"

namespace tsring {

/// out[i] = a[i] (op) b[i] for `count` elements; `out` may be `a` or `b`. kAverage adds; `divideBy` finishes it.
/// Integers wrap around as in C; min and max hand a NaN on; for bool, sum and max are 'any', product and min are 'all'.
/// 16-bit floats are combined in float32 and rounded to nearest even. Vectorised for the CPU at run time.
void combine(ReduceOp op, DType dtype, std::byte* out, const std::byte* a, const std::byte* b, size_t count);

/// out[i] = inputs[0][i] (op) inputs[1][i] (op) ..., from left to right, of two inputs or more; kAverage divides by
/// `divisor`. 16-bit floats stay float32 until the end, and are rounded once. `out` may be the first or the second
/// input.
void combineMany(ReduceOp op, DType dtype, std::byte* out, std::span<const std::byte* const> inputs, size_t count,
                 int divisor);

inline void reduceInto(ReduceOp op, DType dtype, std::byte* into, const std::byte* from, size_t count) {
  combine(op, dtype, into, into, from, count);
}

/// values[i] /= divisor; integers are truncated toward zero.
void divideBy(DType dtype, std::byte* values, size_t count, int divisor);

}  // namespace tsring
