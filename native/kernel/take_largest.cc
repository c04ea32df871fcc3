#include "kernel/take_largest.h"

#include <array>
#include <bit>
#include <cassert>

#include "kernel/add_to.h"

namespace tsring {
namespace {

// The bits of a magnitude from the upper ones down, in three turns.
constexpr int kMagnitudeBits = 31;
constexpr int kTurnBits[] = {11, 10, 10};
constexpr size_t kMostCounts = 1 << 11;

/// All bits of a float but its sign: they compare as the magnitudes do.
uint32_t magnitudeOf(float value) {
  return std::bit_cast<uint32_t>(value) & 0x7fffffff;
}

struct Edge {
  uint32_t magnitude;  // the smallest to take
  size_t equals;       // how many of that one
};

/// Of the `wanted` largest; one at least, and no more than there are.
Edge edgeOf(std::span<const float> values, size_t wanted) {
  uint32_t prefix = 0;
  int rest = kMagnitudeBits;  // bits below the prefix
  for (const int bits : kTurnBits) {
    std::array<size_t, kMostCounts> counts{};
    const int above = rest;
    rest -= bits;
    for (const float value : values) {
      const uint32_t magnitude = magnitudeOf(value);
      if (magnitude >> above == prefix) ++counts[(magnitude >> rest) & ((1U << bits) - 1)];
    }
    size_t digit = (size_t{1} << bits) - 1;
    for (; counts[digit] < wanted; --digit) wanted -= counts[digit];
    prefix = prefix << bits | static_cast<uint32_t>(digit);
  }
  return {prefix, wanted};
}

}  // namespace

void takeLargest(std::span<float> owed, std::span<const float> added, std::span<int32_t> indices,
                 std::span<float> values) {
  assert(added.size() == owed.size() && values.size() == indices.size() && indices.size() <= owed.size());
  addTo(owed.data(), added.data(), owed.size());
  if (indices.empty()) return;
  Edge edge = edgeOf(owed, indices.size());
  size_t taken = 0;
  for (size_t i = 0; i < owed.size(); ++i) {
    const uint32_t magnitude = magnitudeOf(owed[i]);
    if (magnitude < edge.magnitude) continue;
    if (magnitude == edge.magnitude) {
      if (edge.equals == 0) continue;
      --edge.equals;
    }
    indices[taken] = static_cast<int32_t>(i);
    values[taken++] = owed[i];
    owed[i] = 0;
  }
  assert(taken == indices.size());
}

}  // namespace tsring
