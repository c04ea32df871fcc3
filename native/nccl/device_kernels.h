#pragma once

#include <array>
#include <memory>
#include <span>

#include "base/dtype.h"
#include "base/status.h"
#include "collective/device_backend.h"
#include "nccl/cuda_stream.h"
#include "nccl/device_memory.h"

namespace tsring {

/// The kernels of kernels.cu in one GPU's context, translated for it by the driver from the PTX that we carry. One
/// thread at a time, within a CudaDevice::Use.
class DeviceKernels {
 public:
  static Result<std::unique_ptr<DeviceKernels>> load(std::shared_ptr<CudaDevice> device);
  ~DeviceKernels();
  DeviceKernels(const DeviceKernels&) = delete;
  DeviceKernels& operator=(const DeviceKernels&) = delete;

  /// Memory that a stream's launches find their segments in: one for each stream.
  static Result<std::shared_ptr<DeviceMemory>> makeTable(std::shared_ptr<CudaDevice> device);

  /// Queues DeviceBackend::copy.
  Status copy(const CudaStream& stream, const DeviceMemory& table, std::span<const DeviceCopy> copies, DType from,
              DType to, double factor);

 private:
  explicit DeviceKernels(std::shared_ptr<CudaDevice> device) : device_(std::move(device)) {}
  Status launch(const CudaStream& stream, const DeviceMemory& table, size_t kernel,
                std::span<const DeviceCopy> segments, double factor);

  const std::shared_ptr<CudaDevice> device_;
  CudaModule* module_ = nullptr;
  std::array<CudaFunction*, 15> functions_{};
};

}  // namespace tsring
