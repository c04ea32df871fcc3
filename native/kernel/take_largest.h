#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tsring {

/// Adds `added` to `owed`, both of as many elements, and takes the elements of largest magnitude out of `owed`, as many
/// as `indices` and `values` have room for: they become zero there. Of equal ones those that come first are taken; a
/// NaN is larger than everything. Taken ones come in ascending order of index.
///
/// Takes time in proportion to the elements, however many are taken: magnitudes, as integers, are counted by their
/// upper bits, and those at the edge by their next ones, until the smallest one to take is known.
void takeLargest(std::span<float> owed, std::span<const float> added, std::span<int32_t> indices,
                 std::span<float> values);

}  // namespace tsring
