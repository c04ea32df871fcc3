#pragma once

#include <memory>
#include <vector>

#include "nccl/nccl_backend.h"
#include "nccl/pinned_memory.h"

namespace tsring {

/// Collectives on GPUs of several hosts, of equally many ranks each, that use no network but ours: with its security,
/// checksums and addresses, and where NCCL has no fast one of its own.
///
///         host 0          host 1
///         gpu 0   gpu 1   gpu 0   gpu 1
///     1   a01     b01     a23     b23      NCCL: each rank gets one slice of its host's sum
///     2   a01     b01     a23     b23      to main memory
///     3   a0123   b0123   a0123   b0123    ranks of the same place combine their slice over links
///     4   a b     a b     a b     a b      back, and NCCL hands it to the neighbours
///
/// That is an allreduce. Large data go in segments: while one is on the links (3), the GPU hands out the one before (4)
/// and combines the next (1, 2). Each element is combined by one rank of a host and then like any other: the same bits
/// on all ranks. All else goes through main memory as a whole.
class HierarchicalNcclBackend final : public DeviceBackend {
 public:
  /// `inside` is of our host's ranks, `across` of those that have our place on their hosts, `all` of all; the last two
  /// are of main memory and must outlive this. `sliceBytes`, a multiple of 16, of a rank's slice go over links at a
  /// time: enough that a link is busy, little enough that the GPU has something to do meanwhile.
  HierarchicalNcclBackend(std::unique_ptr<NcclBackend> inside, CollectiveBackend& across, CollectiveBackend& all,
                          size_t sliceBytes = 4 << 20);
  ~HierarchicalNcclBackend() override;
  HierarchicalNcclBackend(const HierarchicalNcclBackend&) = delete;
  HierarchicalNcclBackend& operator=(const HierarchicalNcclBackend&) = delete;

  Status prepare() override { return inside_->prepare(); }
  Status checkCombines(DType dtype, ReduceOp op) const override { return inside_->checkCombines(dtype, op); }
  /// One, as segments of an allreduce go on beside each other on that already.
  size_t streams() const override { return inside_->streams(); }
  void nextStream() override { inside_->nextStream(); }
  Result<std::unique_ptr<DeviceWork>> queued() override { return inside_->queued(); }
  Result<std::shared_ptr<std::byte>> allocate(size_t bytes) override { return inside_->allocate(bytes); }
  Result<std::byte*> fusionBuffer(size_t bytes) override { return inside_->fusionBuffer(bytes); }
  Result<std::unique_ptr<DeviceCopies>> copies(size_t bytes) override { return inside_->copies(bytes); }
  Status copy(std::span<const DeviceCopy> copies, DType from, DType to, double factor) override {
    return inside_->copy(copies, from, to, factor);
  }
  Status finish() override { return inside_->finish(); }
  void interrupt() override { inside_->interrupt(); }
  void close() override { inside_->close(); }

  Status allreduce(std::span<std::byte> data, DType dtype, ReduceOp op) override;
  Status allgather(std::span<const std::span<std::byte>> blocks) override;
  Status broadcast(std::span<std::byte> data, int root) override;
  Status reducescatter(std::span<const std::span<std::byte>> blocks, DType dtype, ReduceOp op) override;
  Status alltoall(std::span<const std::byte> from, std::span<std::byte> into, const PairSizes& sizes) override;
  Status adasum(std::span<std::byte> data, DType dtype, std::span<const Range> tensors) override;
  size_t index() const override { return all_.index(); }
  size_t size() const override { return all_.size(); }
  std::string_view allreduceWay(size_t /*bytes*/) const override { return "nccl-hierarchical"; }

 private:
  struct Segment;
  Status combineInside(const Segment& segment, DType dtype, ReduceOp op);
  Status combineAcross(const Segment& segment, DType dtype, ReduceOp op);
  Status handOut(const Segment& segment);
  Result<std::vector<std::span<std::byte>>> roomFor(std::span<const std::span<std::byte>> blocks);
  Result<std::span<std::byte>> roomFor(size_t bytes);

  const std::unique_ptr<NcclBackend> inside_;
  CollectiveBackend& across_;
  CollectiveBackend& all_;
  const size_t sliceBytes_;
  std::unique_ptr<PinnedMemory> room_;
};

}  // namespace tsring
