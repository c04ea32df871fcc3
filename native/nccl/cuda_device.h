#pragma once

#include <array>
#include <memory>
#include <string>

#include "base/status.h"
#include "nccl/cuda_api.h"

namespace tsring {

using GpuUuid = std::array<unsigned char, 16>;

/// One GPU of this process, in the context that CUDA's runtime uses too: what TensorFlow or PyTorch have allocated in
/// this process is ours to read. Any thread, each within a Use of its own.
class CudaDevice {
 public:
  /// The GPU of this number among those that the process sees; numbers past the last begin again at the first, as
  /// local ranks do where they outnumber GPUs.
  static Result<std::shared_ptr<CudaDevice>> open(const CudaApi& api, int number);
  ~CudaDevice();
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  const CudaApi& api() const { return api_; }
  const std::string& name() const { return name_; }
  const GpuUuid& uuid() const { return uuid_; }
  /// Its number among those that the process sees.
  int ordinal() const { return device_; }

  /// Makes the GPU the current one of this thread while it lives, and leaves what others have made current as it was.
  class Use {
   public:
    explicit Use(const CudaDevice& device);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    const Status& status() const { return status_; }

   private:
    const CudaApi& api_;
    Status status_;
  };

 private:
  CudaDevice(const CudaApi& api, int device, CudaContext* context) : api_(api), device_(device), context_(context) {}

  const CudaApi& api_;
  const int device_;
  CudaContext* const context_;
  std::string name_;
  GpuUuid uuid_{};
};

}  // namespace tsring
