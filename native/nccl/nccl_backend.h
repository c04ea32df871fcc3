#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "collective/device_backend.h"
#include "collective/team.h"
#include "nccl/communicator.h"
#include "nccl/device_kernels.h"
#include "nccl/device_memory.h"
#include "nccl/gpu_meeting.h"
#include "nccl/nccl_calls.h"
#include "nccl/pinned_memory.h"

namespace tsring {

/// Collectives on GPUs by NCCL, among all ranks or a group of them. Nothing of CUDA or NCCL is looked for before the
/// first operation.
///
/// With several streams the copies around one call of NCCL go on beside the calls for others. The calls themselves all
/// go to one communicator, one after the other in the same order on all ranks: kernels of two communicators may wait
/// for each other for ever, where one finds no room on a GPU on which the other waits for its peers.
class NcclBackend final : public DeviceBackend {
 public:
  /// Over `meet`, which must outlive this, ranks exchange what they need to link up. An operation fails with kTimeout
  /// when it is not done after `timeout`.
  NcclBackend(CollectiveBackend& meet, GpuChoice choice, std::vector<std::string> names,
              std::chrono::milliseconds timeout);
  /// Among the ranks of `group`, whose places are meant where ranks are spoken of. All ranks still meet as one: GPUs
  /// are to be had everywhere or nowhere.
  NcclBackend(CollectiveBackend& meet, GpuChoice choice, std::vector<std::string> names,
              std::chrono::milliseconds timeout, Team group);
  ~NcclBackend() override;
  NcclBackend(const NcclBackend&) = delete;
  NcclBackend& operator=(const NcclBackend&) = delete;

  /// Ours, once prepared.
  const std::shared_ptr<CudaDevice>& device() const { return device_; }
  /// Queue a copy to or from pinned memory, of equal lengths.
  Status toHost(std::span<std::byte> to, std::span<const std::byte> from);
  Status toDevice(std::span<std::byte> to, std::span<const std::byte> from);
  /// Whether nothing that was queued is under way any more, also after a failure; waits for that until the deadline.
  bool awaitRest(Deadline deadline);

  Status prepare() override;
  Status checkCombines(DType dtype, ReduceOp op) const override;
  size_t streams() const override { return choice_.streams; }
  void nextStream() override { lane_ = (lane_ + 1) % streams(); }
  Result<std::shared_ptr<std::byte>> allocate(size_t bytes) override;
  Result<std::byte*> fusionBuffer(size_t bytes) override;
  Result<std::unique_ptr<DeviceCopies>> copies(size_t bytes) override;
  Status copy(std::span<const DeviceCopy> copies, DType from, DType to, double factor) override;
  Result<std::unique_ptr<DeviceWork>> queued() override;
  Status finish() override;
  void interrupt() override;
  void close() override;

  Status allreduce(std::span<std::byte> data, DType dtype, ReduceOp op) override;
  Status allgather(std::span<const std::span<std::byte>> blocks) override;
  Status broadcast(std::span<std::byte> data, int root) override;
  Status reducescatter(std::span<const std::span<std::byte>> blocks, DType dtype, ReduceOp op) override;
  Status alltoall(std::span<const std::byte> from, std::span<std::byte> into, const PairSizes& sizes) override;
  /// kUnsupported: NCCL has no sum of that kind.
  Status adasum(std::span<std::byte> data, DType dtype, std::span<const Range> tensors) override;
  size_t index() const override { return group_.index; }
  size_t size() const override { return group_.size(); }
  std::string_view allreduceWay(size_t /*bytes*/) const override { return "nccl"; }

 private:
  class Queued;
  struct Lane {
    std::unique_ptr<CudaStream> stream;
    DeviceKernels::Table table;
    std::shared_ptr<DeviceMemory> fusion;  // the fusion buffer, once there is one
  };
  Status getReady(const std::shared_ptr<CudaDevice>& device);
  Status call(std::string_view what, const std::function<NcclResult(const NcclCalls&)>& make);

  CollectiveBackend& meet_;
  const GpuChoice choice_;
  const std::vector<std::string> names_;
  const std::chrono::milliseconds timeout_;
  const Team group_;

  const NcclApi* api_ = nullptr;
  std::shared_ptr<CudaDevice> device_;
  std::shared_ptr<CudaDevice> unlinked_;  // the same, for what is copied without the others
  std::unique_ptr<DeviceKernels> kernels_;
  std::vector<Lane> lanes_;  // one a stream
  size_t lane_ = 0;          // where what comes next goes
  std::unique_ptr<CudaEvent> lastCall_;
  std::unique_ptr<PinnedMemory> pinned_;  // between copies through main memory

  Mutex mutex_;  // of the pointer, which an interrupt comes by
  std::unique_ptr<NcclCommunicator> communicator_ GUARDED_BY(mutex_);
  NcclCommunicator* using_ = nullptr;  // the same, of the using thread
  bool interrupted_ GUARDED_BY(mutex_) = false;
};

}  // namespace tsring
