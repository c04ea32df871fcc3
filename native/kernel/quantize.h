#pragma once

#include <cstddef>

namespace tsring {

// Floats as 8-bit integers that share a scale block by block: a block is a float32 scale, in the host's order, and 256
// of int8, each of which stands for itself times the scale. The scale is the block's largest magnitude / 127, so that
// rounding is off by half of that at most. A block with an infinity or a NaN becomes NaN throughout; one of numbers too
// small for a scale (below 1e-35) becomes zeros. The last block of a run is filled up with zeros.

inline constexpr size_t kQuantizedBlockCount = 256;
inline constexpr size_t kQuantizedBlockBytes = sizeof(float) + kQuantizedBlockCount;

/// Blocks that `count` elements take.
constexpr size_t quantizedBlocks(size_t count) {
  return (count + kQuantizedBlockCount - 1) / kQuantizedBlockCount;
}

/// Writes `values[i] * factor` as whole blocks to `out`, which has room for them and lies apart. Rounds to nearest
/// even.
void quantize(std::byte* out, const float* values, size_t count, float factor);

/// out[i] = the i-th number of `blocks` * factor; or that added to out[i].
void dequantize(float* out, const std::byte* blocks, size_t count, float factor);
void addDequantized(float* out, const std::byte* blocks, size_t count);

}  // namespace tsring
