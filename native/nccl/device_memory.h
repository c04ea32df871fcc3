#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/deadline.h"
#include "base/status.h"
#include "nccl/cuda_device.h"

namespace tsring {

/// A run of a GPU's memory: ours, freed with the object, or one that others have allocated and keep. Its addresses mean
/// nothing to the CPU. Any thread.
class DeviceMemory {
 public:
  /// 0 bytes have no address. Fails with kInternal when the GPU is full.
  static Result<std::shared_ptr<DeviceMemory>> allocate(std::shared_ptr<CudaDevice> device, size_t bytes);
  /// Memory of this process's context on `device` that lasts for longer than this.
  static std::shared_ptr<DeviceMemory> borrow(std::shared_ptr<CudaDevice> device, std::byte* data, size_t bytes);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  const std::shared_ptr<CudaDevice>& device() const { return device_; }

  /// Copies from and to main memory, `offset` bytes from our begin, and waits for the end. kInvalidArgument where it
  /// does not fit.
  Status write(size_t offset, std::span<const std::byte> from, Deadline deadline);
  Status read(size_t offset, std::span<std::byte> into, Deadline deadline) const;

 private:
  DeviceMemory(std::shared_ptr<CudaDevice> device, std::byte* data, size_t bytes, bool owned)
      : device_(std::move(device)), data_(data), bytes_(bytes), owned_(owned) {}

  const std::shared_ptr<CudaDevice> device_;
  std::byte* const data_;
  const size_t bytes_;
  const bool owned_;
};

}  // namespace tsring
