#pragma once

#include <memory>
#include <vector>

#include "test/helpers/elements.h"
#include "transport/memory/memory_network.h"

namespace tsring {

/// Of all ranks, in the hands of a test's threads.
using Meshes = std::vector<std::unique_ptr<Mesh>>;

/// Links that hold `capacity` bytes.
inline Meshes memoryMeshes(int size, const LinkFaults& faults = {}, size_t capacity = 4096) {
  MemoryNetwork network(size, capacity);
  network.disturbAll(faults);
  Meshes meshes;
  for (int rank = 0; rank < size; ++rank) meshes.push_back(network.join(rank));
  return meshes;
}

inline std::vector<Bytes> smallElementsByRank(int size, DType dtype, size_t count) {
  std::vector<Bytes> byRank;
  for (int rank = 0; rank < size; ++rank) byRank.push_back(smallElements(dtype, count, static_cast<unsigned>(rank)));
  return byRank;
}

}  // namespace tsring
