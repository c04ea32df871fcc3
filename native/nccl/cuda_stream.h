#pragma once

#include <memory>

#include "base/deadline.h"
#include "base/status.h"
#include "nccl/cuda_device.h"
#include "nccl/cuda_event.h"

namespace tsring {

/// A queue of work for a GPU, with an event to wait for its end. One thread at a time.
class CudaStream {
 public:
  static Result<std::unique_ptr<CudaStream>> create(std::shared_ptr<CudaDevice> device);
  /// Does not wait: the driver frees it once its work is done.
  ~CudaStream();
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;

  CudaStreamHandle* handle() const { return stream_; }
  const CudaDevice& device() const { return *device_; }

  /// Waits until all work so far is done. Fails as CudaEvent::wait.
  Status finish(Deadline deadline);

 private:
  explicit CudaStream(std::shared_ptr<CudaDevice> device) : device_(std::move(device)) {}

  const std::shared_ptr<CudaDevice> device_;
  CudaStreamHandle* stream_ = nullptr;
  std::unique_ptr<CudaEvent> end_;
};

}  // namespace tsring
