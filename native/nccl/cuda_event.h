#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "base/deadline.h"
#include "base/status.h"
#include "nccl/cuda_device.h"

namespace tsring {

/// A point in the work of a stream, which others wait for. One thread at a time.
class CudaEvent {
 public:
  static Result<std::unique_ptr<CudaEvent>> create(std::shared_ptr<CudaDevice> device);
  ~CudaEvent();
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;

  // The next two: within a CudaDevice::Use.

  /// From now on it stands for the end of all that is in `stream` so far.
  Status record(CudaStreamHandle* stream);
  /// What is put into `stream` from now on comes after it, wherever it was recorded last.
  Status holdBack(CudaStreamHandle* stream);

  /// Asked now and then during a wait; a failure ends it. May sleep for as long as told.
  using Glance = std::function<Status(std::chrono::microseconds)>;

  /// Waits for it. Fails with kTimeout, with what `glance` fails with, or with kInternal when the GPU has failed.
  Status wait(Deadline deadline, const Glance& glance);

 private:
  explicit CudaEvent(std::shared_ptr<CudaDevice> device) : device_(std::move(device)) {}

  const std::shared_ptr<CudaDevice> device_;
  CudaEventHandle* event_ = nullptr;
};

}  // namespace tsring
