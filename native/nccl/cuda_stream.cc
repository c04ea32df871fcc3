#include "nccl/cuda_stream.h"

#include <thread>

namespace tsring {

Result<std::unique_ptr<CudaStream>> CudaStream::create(std::shared_ptr<CudaDevice> device) {
  const CudaApi& api = device->api();
  const CudaDevice::Use use(*device);
  if (!use.status().ok()) return use.status();
  auto end = CudaEvent::create(device);
  if (!end.ok()) return end.status();
  auto stream = std::unique_ptr<CudaStream>(new CudaStream(std::move(device)));
  stream->end_ = std::move(end).value();
  if (Status s = api.check(api.StreamCreate(&stream->stream_, kCudaStreamNonBlocking), "cuStreamCreate"); !s.ok())
    return s;
  return stream;
}

CudaStream::~CudaStream() {
  const CudaDevice::Use use(*device_);
  if (stream_ && use.status().ok()) device_->api().StreamDestroy_v2(stream_);
}

Status CudaStream::finish(Deadline deadline) {
  const CudaDevice::Use use(*device_);
  if (!use.status().ok()) return use.status();
  if (Status s = end_->record(stream_); !s.ok()) return s;
  return end_->wait(deadline, [](std::chrono::microseconds pause) {
    pause.count() > 0 ? std::this_thread::sleep_for(pause) : std::this_thread::yield();
    return Status::okay();
  });
}

}  // namespace tsring
