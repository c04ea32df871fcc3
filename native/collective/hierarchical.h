#pragma once

#include <chrono>

#include "collective/backend.h"
#include "collective/ring.h"
#include "collective/selection.h"
#include "collective/team.h"
#include "collective/topology.h"
#include "transport/mesh.h"
#include "transport/shm/host_group.h"

namespace tsring {

/// Collectives for several hosts with as many ranks each: through shared memory inside a host, over links between them.
///
/// Allreduce, here with two hosts of two ranks and the halves a and b of the data:
///
///              host 0              host 1
///            r0      r1          r2      r3
///           a0 b0   a1 b1       a2 b2   a3 b3
///     1     a01     b01         a23     b23       each host combines; every rank is in charge of one slice
///     2     a0123   b0123       a0123   b0123     ranks of the same place ring their slice across hosts
///     3     a b     a b         a b     a b       and hand it to their neighbours
///
/// A flat ring sends 2(n-1)/n of the data through every rank's links; here 2(h-1)/h of them (h hosts) leave each host
/// as a whole, in as many streams as it has ranks, and a ring has h ranks instead of n. Large data pass in segments:
/// while one is on the links, the one before is handed out (3) and the next one combined (1).
///
///     links           ring 0     ring 1     ring 2
///     memory    1:0   1:1        3:0 1:2    3:1    3:2
///
/// Each element is combined by one rank of a host, and goes round its ring as any other: the same bits on every rank
/// and in every run.
///
/// Nobody blocks another for good: all ranks wait in the same order, for the memory of a segment and for its ring; a
/// rank that is behind all others finds everyone's memory filled, and the ranks that its ring needs either pump that
/// ring or are through with it.
class HierarchicalBackend final : public CollectiveBackend {
 public:
  /// `topology` has two levels; `host` is the group of its neighbours(). The mesh and the group must outlive this.
  /// `tuning` is the same on all ranks. An operation fails with kTimeout when nothing moves for `stallLimit`.
  HierarchicalBackend(Mesh& mesh, HostGroup& host, Topology topology, const Tuning& tuning,
                      std::chrono::milliseconds stallLimit);

  Status allreduce(std::span<std::byte> data, DType dtype, ReduceOp op) override;
  /// The blocks of a place go round its ring, then each host's are handed out there.
  Status allgather(std::span<const std::span<std::byte>> blocks) override;
  /// The ranks of the root's place pass the data on from host to host, and to their neighbours.
  Status broadcast(std::span<std::byte> data, int root) override;
  /// An allgather backwards: each host combines the blocks of every host, then those of a place are combined across.
  Status reducescatter(std::span<const std::span<std::byte>> blocks, DType dtype, ReduceOp op) override;
  /// Through memory to the neighbours, over links to all others.
  Status alltoall(std::span<const std::byte> from, std::span<std::byte> into, const PairSizes& sizes) override;
  /// Over links alone.
  Status adasum(std::span<std::byte> data, DType dtype, std::span<const Range> tensors) override;
  size_t index() const override { return all_.index; }
  size_t size() const override { return all_.size(); }

  /// From now on goes by another tuning, the same on all ranks.
  void retune(const Tuning& tuning);

  /// By what the slices of an allreduce of so many bytes go across hosts.
  std::string_view allreduceWay(size_t bytes) const override { return algorithmName(algorithm(bytes)); }
  Algorithm algorithm(size_t bytes) const {
    return choose(tuning_, Medium::kLinks, across_.size(), bytes / host_.size());
  }
  /// What is chosen for slices of which sizes, in words.
  std::string describeChoice() const { return describe(stretches(tuning_, Medium::kLinks, across_.size())); }

 private:
  Status inSegments(std::span<std::byte> data, size_t segments, const Reduction& reduction);
  Status inFewSteps(std::span<std::byte> data, Algorithm algorithm, const Reduction& reduction);
  std::span<std::byte> ownSlice(std::span<std::byte> data, DType dtype) const;

  Mesh& mesh_;
  HostGroup& host_;
  const Topology topology_;
  const Team across_;
  const Team all_;
  Tuning tuning_;
  const std::chrono::milliseconds stallLimit_;
  RingWorkspace workspace_;
};

}  // namespace tsring
