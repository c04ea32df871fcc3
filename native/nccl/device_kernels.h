#pragma once

#include <array>
#include <memory>
#include <span>

#include "base/dtype.h"
#include "base/status.h"
#include "collective/device_backend.h"
#include "nccl/cuda_stream.h"
#include "nccl/device_memory.h"
#include "nccl/pinned_memory.h"

namespace tsring {

/// The kernels of kernels.cu in one GPU's context, translated for it by the driver from the PTX that we carry. One
/// thread at a time, within a CudaDevice::Use.
class DeviceKernels {
 public:
  static Result<std::unique_ptr<DeviceKernels>> load(std::shared_ptr<CudaDevice> device);
  ~DeviceKernels();
  DeviceKernels(const DeviceKernels&) = delete;
  DeviceKernels& operator=(const DeviceKernels&) = delete;

  /// What a stream's launches find their segments in: one for each stream. They go there from pinned memory, as from
  /// any other the driver may wait for the stream first, and so for NCCL. What is on its way must be done before the
  /// table goes.
  struct Table {
    std::shared_ptr<DeviceMemory> onDevice;  // of the launch that is queued last
    std::unique_ptr<PinnedMemory> waiting;   // those of the launches since the last wait
    size_t waits = 0;                        // how many
  };
  static Result<Table> makeTable(std::shared_ptr<CudaDevice> device);

  /// Queues DeviceBackend::copy. Waits for the stream now and then, until the deadline.
  Status copy(CudaStream& stream, Table& table, std::span<const DeviceCopy> copies, DType from, DType to, double factor,
              Deadline deadline);

 private:
  explicit DeviceKernels(std::shared_ptr<CudaDevice> device) : device_(std::move(device)) {}
  Status launch(CudaStream& stream, Table& table, size_t kernel, std::span<const DeviceCopy> segments, double factor,
                Deadline deadline);

  const std::shared_ptr<CudaDevice> device_;
  CudaModule* module_ = nullptr;
  std::array<CudaFunction*, 15> functions_{};
};

}  // namespace tsring
