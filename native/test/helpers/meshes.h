#pragma once

#include <memory>
#include <vector>

#include "test/helpers/elements.h"
#include "test/helpers/waits.h"
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

/// Every byte, one way.
inline Status sendAll(Mesh& mesh, int peer, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto sent = mesh.trySend(peer, bytes);
    if (!sent.ok()) return sent.status();
    bytes = bytes.subspan(sent.value());
    const Interest room[] = {{peer, true, false}};
    if (bytes.empty()) break;
    if (Status s = mesh.wait(room, soon()); !s.ok()) return s;
  }
  return Status::okay();
}

inline Status receiveAll(Mesh& mesh, int peer, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const auto got = mesh.tryReceive(peer, bytes);
    if (!got.ok()) return got.status();
    bytes = bytes.subspan(got.value());
    const Interest arrival[] = {{peer, false, true}};
    if (bytes.empty()) break;
    if (Status s = mesh.wait(arrival, soon()); !s.ok()) return s;
  }
  return Status::okay();
}

}  // namespace tsring
