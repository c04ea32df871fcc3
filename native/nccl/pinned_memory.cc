#include "nccl/pinned_memory.h"

#include <string>

namespace tsring {

Result<std::unique_ptr<PinnedMemory>> PinnedMemory::allocate(std::shared_ptr<CudaDevice> device, size_t bytes) {
  const CudaApi& api = device->api();
  const CudaDevice::Use use(*device);
  if (!use.status().ok()) return use.status();
  void* data = nullptr;
  const Status allocated = api.check(api.MemHostAlloc(&data, bytes, kCudaHostPortable), "cuMemHostAlloc");
  if (!allocated.ok()) return allocated.withPrefix(std::to_string(bytes) + " bytes of pinned memory: ");
  const std::span run(static_cast<std::byte*>(data), bytes);
  return std::unique_ptr<PinnedMemory>(new PinnedMemory(std::move(device), run));
}

PinnedMemory::~PinnedMemory() {
  const CudaDevice::Use use(*device_);
  if (use.status().ok()) device_->api().MemFreeHost(bytes_.data());
}

}  // namespace tsring
