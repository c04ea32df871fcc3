#pragma once

#include <cstddef>

#include "base/dtype.h"

namespace tsring {

/// The products that say how two gradients a and b are added by Adasum (collective/adasum.h).
struct AdasumProducts {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  AdasumProducts& operator+=(const AdasumProducts& more) {
    ab += more.ab;
    aa += more.aa;
    bb += more.bb;
    return *this;
  }
};

/// Of `count` floats of any size, multiplied and summed in float64.
AdasumProducts adasumProducts(DType dtype, const std::byte* a, const std::byte* b, size_t count);

/// out[i] = (1 - ab / 2aa) a[i] + (1 - ab / 2bb) b[i]; what is zero adds nothing. `out` may be `a` or `b`. 16-bit
/// floats and float32 are computed with in float32, float64 in its own precision.
void adasumCombine(DType dtype, std::byte* out, const std::byte* a, const std::byte* b, size_t count,
                   const AdasumProducts& products);

}  // namespace tsring
