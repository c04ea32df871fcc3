#include "collective/ring_collectives.h"

#include "collective/chunk.h"

namespace tsring {
namespace {

constexpr Reduction kNone{DType::kUint8, ReduceOp::kSum, 1};

}  // namespace

Status ringAllreduce(Mesh& mesh, const Team& team, std::span<std::byte> data, DType dtype, ReduceOp op,
                     RingWorkspace& workspace, std::chrono::milliseconds stallLimit) {
  const Reduction reduction{dtype, op, static_cast<int>(team.size())};
  return beginRingAllreduce(mesh, team, data, reduction, workspace).finish(stallLimit);
}

RingPass beginRingAllreduce(Mesh& mesh, const Team& team, std::span<std::byte> data, const Reduction& reduction,
                            RingWorkspace& workspace) {
  const size_t n = team.size();
  auto& steps = workspace.steps;
  steps.clear();
  if (n == 1) return {mesh, team, {}, steps, 0, reduction, workspace.arrived};
  const size_t element = elementSize(reduction.dtype);
  const auto chunkAt = [&](size_t place) {
    const Range range = chunk(data.size() / element, n, place);
    return data.subspan(range.begin * element, range.size() * element);
  };
  for (size_t s = 1; s < n; ++s) steps.push_back({chunkAt(team.toTheLeft(s)), true, s == n - 1});
  for (size_t s = 0; s + 1 < n; ++s) steps.push_back({chunkAt(team.toTheLeft(s))});

  const auto own = chunkAt(team.index);
  size_t sendBytes = own.size();
  for (size_t i = 0; i + 1 < steps.size(); ++i) sendBytes += steps[i].into.size();
  return {mesh, team, own, steps, sendBytes, reduction, workspace.arrived};
}

Status ringAllgather(Mesh& mesh, const Team& team, std::span<const std::span<std::byte>> blocks,
                     RingWorkspace& workspace, std::chrono::milliseconds stallLimit) {
  const size_t n = team.size();
  if (n == 1) return Status::okay();
  auto& steps = workspace.steps;
  steps.clear();
  size_t sendBytes = blocks[team.index].size();
  for (size_t s = 1; s < n; ++s) {
    steps.push_back({blocks[team.toTheLeft(s)]});
    if (s + 1 < n) sendBytes += steps.back().into.size();
  }
  return passAround(mesh, team, blocks[team.index], steps, sendBytes, kNone, workspace.arrived, stallLimit);
}

Status ringReducescatter(Mesh& mesh, const Team& team, std::span<const std::span<std::byte>> blocks,
                         const Reduction& reduction, RingWorkspace& workspace, std::chrono::milliseconds stallLimit) {
  const size_t n = team.size();
  if (n == 1) return Status::okay();
  auto& steps = workspace.steps;
  steps.clear();
  const auto first = blocks[team.toTheLeft(1)];
  size_t sendBytes = first.size();
  for (size_t s = 2; s <= n; ++s) {
    steps.push_back({blocks[team.toTheLeft(s)], true, s == n});
    if (s < n) sendBytes += steps.back().into.size();
  }
  return passAround(mesh, team, first, steps, sendBytes, reduction, workspace.arrived, stallLimit);
}

Status chainBroadcast(Mesh& mesh, const Team& team, std::span<std::byte> data, size_t root, RingWorkspace& workspace,
                      std::chrono::milliseconds stallLimit) {
  const size_t n = team.size();
  if (n == 1 || data.empty()) return Status::okay();
  auto& steps = workspace.steps;
  steps.clear();
  std::span<const std::byte> own;
  if (team.index == root) {
    own = data;
  } else {
    steps.push_back({data});
  }
  const bool last = (team.index + 1) % n == root;
  return passAround(mesh, team, own, steps, last ? 0 : data.size(), kNone, workspace.arrived, stallLimit);
}

}  // namespace tsring
