#include "collective/shared_cores.h"

#include <sched.h>

#include <algorithm>
#include <array>

#include "collective/recursive_doubling.h"

namespace tsring {
namespace {

constexpr size_t kMostProcessors = 1024;

/// By processor: whether the calling thread may run on it.
using Processors = std::array<std::byte, kMostProcessors>;

// Of a rank that is bound to one core that is one, though others have cores of their own.
Processors ours() {
  Processors may{};
#ifdef __linux__
  static_assert(kMostProcessors == CPU_SETSIZE);
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return may;
  for (size_t i = 0; i < kMostProcessors; ++i) may[i] = std::byte{CPU_ISSET(i, &set) != 0};
#endif
  return may;
}

}  // namespace

Result<size_t> coresThatRanksShare(Mesh& mesh, std::chrono::milliseconds stallLimit) {
  Processors all = ours();
  RingWorkspace workspace;
  Status s = recursiveDoublingAllreduce(mesh, Team::whole(mesh.rank(), mesh.size()), all, DType::kBool, ReduceOp::kMax,
                                        workspace, stallLimit);
  if (!s.ok()) return s;
  const auto processors = std::ranges::count(all, std::byte{1});
  return processors < mesh.size() ? static_cast<size_t>(processors) : 0;
}

}  // namespace tsring
