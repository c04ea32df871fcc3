#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/dtype.h"

namespace tsring {

/// Arithmetic on 16-bit floats, which the CPU (short of the newest) does in float32. Elements are read as they are,
/// computed with in float32, and rounded to nearest even once, when they are stored.
///
/// Widening is exact. Narrowing makes infinities of what is too large and keeps denormals. A NaN stays one, with its
/// sign and the upper bits of its payload, and is made quiet. All levels give the same bits, so hosts with different
/// CPUs may work together.
///
/// Arrays need no alignment. `out` may be one of the inputs, and else lies apart from all of them.
struct HalfKernels {
  /// out[i] = (inputs[0][i] (op) inputs[1][i] (op) ...) / divisor, rounded once whatever the number of inputs.
  using Fold = void (*)(std::byte* out, const std::byte* const* inputs, size_t inputCount, size_t count, float divisor);
  Fold sum, min, max, product;
  /// out[i] = in[i] * factor. A factor of 1 changes nothing.
  void (*widen)(float* out, const std::byte* in, size_t count, float factor);
  void (*narrow)(std::byte* out, const float* in, size_t count, float factor);
  void (*scale)(std::byte* out, const std::byte* in, size_t count, float factor);
};

/// What a CPU can do at once: 4, 8 or 16 elements. The two upper ones are x86-64's, and convert float16 by instruction.
enum class VectorLevel : uint8_t { kBaseline = 0, kAvx2 = 1, kAvx512 = 2 };

/// For kFloat16 or kBfloat16, at the highest level that this CPU has.
const HalfKernels& halfKernels(DType dtype);

/// At a given level: null where this CPU does not have it.
const HalfKernels* halfKernelsAt(DType dtype, VectorLevel level);

}  // namespace tsring
