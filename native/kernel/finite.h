#pragma once

#include <cstddef>

#include "base/dtype.h"

namespace tsring {

/// The first of `count` elements that is NaN or infinite; `count` when there is none, as there never is among integers.
size_t firstNonFinite(DType dtype, const std::byte* data, size_t count);

}  // namespace tsring
