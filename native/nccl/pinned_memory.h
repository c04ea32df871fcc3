#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/status.h"
#include "nccl/cuda_device.h"

namespace tsring {

/// A run of main memory that the driver keeps in place, so that a GPU copies to and from it by itself, at the full
/// speed of its bus. Nothing may be on its way to or from it when it goes. Any thread.
class PinnedMemory {
 public:
  /// Fails with kInternal where no more can be pinned.
  static Result<std::unique_ptr<PinnedMemory>> allocate(std::shared_ptr<CudaDevice> device, size_t bytes);
  ~PinnedMemory();
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  std::span<std::byte> bytes() const { return bytes_; }

 private:
  PinnedMemory(std::shared_ptr<CudaDevice> device, std::span<std::byte> bytes)
      : device_(std::move(device)), bytes_(bytes) {}

  const std::shared_ptr<CudaDevice> device_;
  const std::span<std::byte> bytes_;
};

}  // namespace tsring
