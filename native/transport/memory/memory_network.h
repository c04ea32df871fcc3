#pragma once

#include <memory>
#include <vector>

#include "base/mutex.h"
#include "transport/memory/memory_link.h"
#include "transport/mesh.h"

namespace tsring {

/// Data links between ranks that are threads of one process, with faults as a test wants them. Any thread.
class MemoryNetwork {
 public:
  explicit MemoryNetwork(int size, size_t linkCapacity = 64 << 10);

  /// From now on, for the bytes from one rank to another; or for all links.
  void disturb(int from, int to, const LinkFaults& faults);
  void disturbAll(const LinkFaults& faults);

  /// A rank's end of its links. When it is destroyed the others lose the rank. May outlive the network; once a rank.
  std::unique_ptr<Mesh> join(int rank);

 private:
  friend class MemoryMesh;
  struct Member {
    Condition changed;
    unsigned changes = 0;
    bool interrupted = false;
  };
  /// Shared with the meshes.
  struct State {
    Mutex mutex;
    std::vector<Member> members GUARDED_BY(mutex);
    std::vector<std::vector<MemoryLink>> links GUARDED_BY(mutex);  // [from][to]

    void notify(int rank) REQUIRES(mutex);
    void notifyAll() REQUIRES(mutex);
  };
  std::shared_ptr<State> state_;
};

}  // namespace tsring
