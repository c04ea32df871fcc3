#include "nccl/cuda_stream.h"

#include <algorithm>
#include <thread>

namespace tsring {
namespace {

// The driver's own waits have no deadline, and its callbacks do not come when a GPU fails. So we ask: at first without
// a pause, as most work takes less than a thread takes to wake up, then at growing intervals.
constexpr std::chrono::microseconds kWithoutPause{200};
constexpr std::chrono::microseconds kLongestPause{1000};

}  // namespace

Result<std::unique_ptr<CudaStream>> CudaStream::create(std::shared_ptr<CudaDevice> device) {
  const CudaApi& api = device->api();
  const CudaDevice::Use use(*device);
  if (!use.status().ok()) return use.status();
  auto stream = std::unique_ptr<CudaStream>(new CudaStream(std::move(device)));
  if (Status s = api.check(api.StreamCreate(&stream->stream_, kCudaStreamNonBlocking), "cuStreamCreate"); !s.ok())
    return s;
  if (Status s = api.check(api.EventCreate(&stream->done_, kCudaEventDisableTiming), "cuEventCreate"); !s.ok())
    return s;
  return stream;
}

CudaStream::~CudaStream() {
  const CudaDevice::Use use(*device_);
  if (!use.status().ok()) return;
  if (done_) device_->api().EventDestroy_v2(done_);
  if (stream_) device_->api().StreamDestroy_v2(stream_);
}

Status CudaStream::finish(Deadline deadline, const Glance& glance) {
  const CudaApi& api = device_->api();
  if (Status s = api.check(api.EventRecord(done_, stream_), "cuEventRecord"); !s.ok()) return s;
  const auto begin = Clock::now();
  std::chrono::microseconds pause{0};
  for (;;) {
    const CudaResult result = api.EventQuery(done_);
    if (result != kCudaNotReady) return api.check(result, "the GPU");
    if (Clock::now() - begin > kWithoutPause)
      pause = std::min(pause * 2 + std::chrono::microseconds(20), kLongestPause);
    if (Status s = glance(pause); !s.ok()) return s;
    if (deadline.passed()) return Status(StatusCode::kTimeout, "the GPU has not come to an end of its work in time");
  }
}

Status CudaStream::finish(Deadline deadline) {
  return finish(deadline, [](std::chrono::microseconds pause) {
    pause.count() > 0 ? std::this_thread::sleep_for(pause) : std::this_thread::yield();
    return Status::okay();
  });
}

}  // namespace tsring
