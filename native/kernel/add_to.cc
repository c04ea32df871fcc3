#include "kernel/add_to.h"

#include "kernel/target_clones.h"

namespace tsring {

TSRING_TARGET_CLONES void addTo(float* __restrict totals, const float* __restrict values, size_t count) {
  for (size_t i = 0; i < count; ++i) totals[i] += values[i];
}

}  // namespace tsring
