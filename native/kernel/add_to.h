#pragma once

#include <cstddef>

namespace tsring {

/// totals[i] += values[i]. The arrays are `count` long and do not overlap.
void addTo(float* totals, const float* values, size_t count);

}  // namespace tsring
