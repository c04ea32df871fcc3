#include "nccl/cuda_event.h"

#include <algorithm>

namespace tsring {
namespace {

// The driver's own waits have no deadline, and its callbacks do not come when a GPU fails. So we ask: at first without
// a pause, as most work takes less than a thread takes to wake up, then at growing intervals.
constexpr std::chrono::microseconds kWithoutPause{200};
constexpr std::chrono::microseconds kLongestGlance{1000};

}  // namespace

Result<std::unique_ptr<CudaEvent>> CudaEvent::create(std::shared_ptr<CudaDevice> device) {
  const CudaApi& api = device->api();
  const CudaDevice::Use use(*device);
  if (!use.status().ok()) return use.status();
  auto event = std::unique_ptr<CudaEvent>(new CudaEvent(std::move(device)));
  const CudaResult created = api.EventCreate(&event->event_, kCudaEventDisableTiming);
  if (Status s = api.check(created, "cuEventCreate"); !s.ok()) return s;
  return event;
}

CudaEvent::~CudaEvent() {
  const CudaDevice::Use use(*device_);
  if (event_ && use.status().ok()) device_->api().EventDestroy_v2(event_);
}

Status CudaEvent::record(CudaStreamHandle* stream) {
  return device_->api().check(device_->api().EventRecord(event_, stream), "cuEventRecord");
}

Status CudaEvent::holdBack(CudaStreamHandle* stream) {
  return device_->api().check(device_->api().StreamWaitEvent(stream, event_, 0), "cuStreamWaitEvent");
}

Status CudaEvent::wait(Deadline deadline, const Glance& glance) {
  const CudaApi& api = device_->api();
  const CudaDevice::Use use(*device_);
  if (!use.status().ok()) return use.status();
  const auto begin = Clock::now();
  std::chrono::microseconds pause{0};
  for (;;) {
    const CudaResult result = api.EventQuery(event_);
    if (result != kCudaNotReady) return api.check(result, "the GPU");
    if (Clock::now() - begin > kWithoutPause)
      pause = std::min(pause * 2 + std::chrono::microseconds(20), kLongestGlance);
    if (Status s = glance(pause); !s.ok()) return s;
    if (deadline.passed()) return Status(StatusCode::kTimeout, "the GPU has not come to an end of its work in time");
  }
}

}  // namespace tsring
