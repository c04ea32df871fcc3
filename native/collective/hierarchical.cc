#include "collective/hierarchical.h"

#include <algorithm>
#include <optional>

#include "collective/adasum.h"
#include "collective/alltoall.h"
#include "collective/chunk.h"
#include "collective/halving_doubling.h"
#include "collective/host_collectives.h"
#include "collective/host_slices.h"
#include "collective/recursive_doubling.h"
#include "collective/ring_collectives.h"
#include "kernel/reduce.h"

namespace tsring {
namespace {

// What a rank sends in one step of a ring: enough that the way there and back does not show.
constexpr size_t kChunkBytes = 1 << 20;
// Handed to the neighbours while the next is on its way.
constexpr size_t kBroadcastBytes = 1 << 20;

size_t divideUp(size_t a, size_t b) {
  return (a + b - 1) / b;
}

/// What ranks of one host do to their slices, before they are divided.
Reduction undivided(const Reduction& reduction) {
  return {reduction.dtype, reduction.op == ReduceOp::kAverage ? ReduceOp::kSum : reduction.op, 1};
}

std::vector<std::span<std::byte>> blocksOf(std::span<const std::span<std::byte>> blocks,
                                           const std::vector<int>& ranks) {
  std::vector<std::span<std::byte>> chosen;
  for (const int rank : ranks) chosen.push_back(blocks[static_cast<size_t>(rank)]);
  return chosen;
}

Status nothing() {
  return Status::okay();
}

}  // namespace

HierarchicalBackend::HierarchicalBackend(Mesh& mesh, HostGroup& host, Topology topology, const Tuning& tuning,
                                         std::chrono::milliseconds stallLimit)
    : mesh_(mesh),
      host_(host),
      topology_(std::move(topology)),
      across_(topology_.acrossHosts()),
      all_(Team::whole(mesh.rank(), mesh.size())),
      tuning_(tuning),
      stallLimit_(stallLimit) {}

void HierarchicalBackend::retune(const Tuning& tuning) {
  tuning_ = tuning;
  workspace_.arrived.resize(tuning.pieceBytes);
}

Status HierarchicalBackend::allreduce(std::span<std::byte> data, DType dtype, ReduceOp op) {
  if (data.empty()) return Status::okay();
  const Reduction reduction{dtype, op, mesh_.size()};
  const Algorithm across = algorithm(data.size());
  if (across != Algorithm::kRing) return inFewSteps(data, across, reduction);
  return inSegments(data, divideUp(data.size(), kChunkBytes * static_cast<size_t>(mesh_.size())), reduction);
}

Status HierarchicalBackend::inSegments(std::span<std::byte> data, size_t segments, const Reduction& reduction) {
  const size_t element = elementSize(reduction.dtype);
  const auto segment = [&](size_t i) { return sliceOf(data, element, segments, i); };
  const auto slices = [&](size_t i) { return slicesOf(segment(i), element, host_.size()); };
  std::optional<RingPass> pass;
  const auto pump = [&] { return pass ? pass->advance() : Status::okay(); };
  if (Status s = reduceSlices(host_, slices(0), undivided(reduction), stallLimit_, pump); !s.ok()) return s;
  for (size_t i = 0; i < segments; ++i) {
    pass.emplace(beginRingAllreduce(mesh_, across_, ownSlice(segment(i), reduction.dtype), reduction, workspace_));
    if (Status s = pump(); !s.ok()) return s;
    if (i > 0) {
      if (Status s = gatherSlices(host_, segment(i - 1), element, stallLimit_, pump); !s.ok()) return s;
    }
    if (i + 1 < segments) {
      if (Status s = reduceSlices(host_, slices(i + 1), undivided(reduction), stallLimit_, pump); !s.ok()) return s;
    }
    if (Status s = pass->finish(stallLimit_); !s.ok()) return s;
  }
  return gatherSlices(host_, segment(segments - 1), element, stallLimit_, nothing);
}

// Small data: what counts is the number of steps across hosts.
Status HierarchicalBackend::inFewSteps(std::span<std::byte> data, Algorithm algorithm, const Reduction& reduction) {
  const auto [dtype, op, divisor] = reduction;
  const auto slices = slicesOf(data, elementSize(dtype), host_.size());
  if (Status s = reduceSlices(host_, slices, undivided(reduction), stallLimit_, nothing); !s.ok()) return s;
  const auto slice = slices[host_.index()];
  const ReduceOp across = undivided(reduction).op;
  Status moved = algorithm == Algorithm::kHalvingDoubling
                     ? halvingDoublingAllreduce(mesh_, across_, slice, dtype, across, workspace_, stallLimit_)
                     : recursiveDoublingAllreduce(mesh_, across_, slice, dtype, across, workspace_, stallLimit_);
  if (!moved.ok()) return moved;
  if (op == ReduceOp::kAverage) divideBy(dtype, slice.data(), slice.size() / elementSize(dtype), divisor);
  return gatherSlices(host_, data, elementSize(dtype), stallLimit_, nothing);
}

Status HierarchicalBackend::allgather(std::span<const std::span<std::byte>> blocks) {
  if (Status s = ringAllgather(mesh_, across_, blocksOf(blocks, across_.ranks), workspace_, stallLimit_); !s.ok()) {
    return s;
  }
  for (const auto& ranks : topology_.hosts) {
    if (Status s = hostAllgather(host_, blocksOf(blocks, ranks), stallLimit_); !s.ok()) return s;
  }
  return Status::okay();
}

Status HierarchicalBackend::broadcast(std::span<std::byte> data, int root) {
  size_t rootHost = 0;
  size_t rootPlace = 0;
  for (size_t host = 0; host < topology_.hosts.size(); ++host) {
    const auto& ranks = topology_.hosts[host];
    const auto found = std::ranges::find(ranks, root);
    if (found == ranks.end()) continue;
    rootHost = host;
    rootPlace = static_cast<size_t>(found - ranks.begin());
  }
  for (size_t at = 0; at < data.size(); at += kBroadcastBytes) {
    const auto segment = data.subspan(at, std::min(kBroadcastBytes, data.size() - at));
    if (topology_.place == rootPlace) {
      if (Status s = chainBroadcast(mesh_, across_, segment, rootHost, workspace_, stallLimit_); !s.ok()) return s;
    }
    if (Status s = hostBroadcast(host_, segment, rootPlace, stallLimit_); !s.ok()) return s;
  }
  return Status::okay();
}

Status HierarchicalBackend::reducescatter(std::span<const std::span<std::byte>> blocks, DType dtype, ReduceOp op) {
  const Reduction reduction{dtype, op, mesh_.size()};
  for (const auto& ranks : topology_.hosts) {
    if (Status s = reduceSlices(host_, blocksOf(blocks, ranks), undivided(reduction), stallLimit_, nothing); !s.ok())
      return s;
  }
  return ringReducescatter(mesh_, across_, blocksOf(blocks, across_.ranks), reduction, workspace_, stallLimit_);
}

Status HierarchicalBackend::alltoall(std::span<const std::byte> from, std::span<std::byte> into,
                                     const PairSizes& sizes) {
  const auto& neighbours = topology_.neighbours();
  PairBlocks blocks(static_cast<size_t>(mesh_.rank()), from, into, sizes);
  const PairBlocks inside = blocks.among(neighbours);
  if (Status s = hostAlltoall(host_, inside, sizes.longestAmong(neighbours), stallLimit_); !s.ok()) return s;
  blocks.leaveOut(neighbours);
  return pairwiseAlltoall(mesh_, all_, blocks, workspace_, stallLimit_);
}

Status HierarchicalBackend::adasum(std::span<std::byte> data, DType dtype, std::span<const Range> tensors) {
  return adasumAllreduce(mesh_, all_, data, dtype, tensors, workspace_, stallLimit_);
}

std::span<std::byte> HierarchicalBackend::ownSlice(std::span<std::byte> data, DType dtype) const {
  return sliceOf(data, elementSize(dtype), host_.size(), host_.index());
}

}  // namespace tsring
