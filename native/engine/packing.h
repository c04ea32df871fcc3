#pragma once

#include <cstddef>
#include <cstring>

#include "engine/request.h"
#include "kernel/scale.h"

namespace tsring {

inline size_t byteSize(const Request& request, const Shape& shape) {
  return elementCount(shape) * elementSize(request.header.dtype);
}

/// From nowhere, where a rank that has joined stands in, come zeros.
inline void copyBytes(std::byte* to, const std::byte* from, size_t bytes) {
  if (bytes > 0 && !from) std::memset(to, 0, bytes);
  if (bytes > 0 && from && to != from) std::memcpy(to, from, bytes);
}

/// Copies `bytes` of elements, scaled on the way. `to` may be `from`.
inline void copyScaled(DType dtype, std::byte* to, const std::byte* from, size_t bytes, double factor) {
  if (factor == 1 || !from) return copyBytes(to, from, bytes);
  scale(dtype, to, from, bytes / elementSize(dtype), factor);
}

}  // namespace tsring
