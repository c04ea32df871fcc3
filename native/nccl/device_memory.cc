#include "nccl/device_memory.h"

#include <bit>
#include <string>

#include "nccl/cuda_stream.h"

namespace tsring {
namespace {

Status checkFits(const DeviceMemory& memory, size_t offset, size_t bytes) {
  if (offset <= memory.bytes() && bytes <= memory.bytes() - offset) return Status::okay();
  return Status(StatusCode::kInvalidArgument, std::to_string(bytes) + " bytes from byte " + std::to_string(offset) +
                                                  " on do not fit a device buffer of " +
                                                  std::to_string(memory.bytes()));
}

CudaAddress addressOf(const std::byte* data) {
  return std::bit_cast<CudaAddress>(data);
}

}  // namespace

Result<std::shared_ptr<DeviceMemory>> DeviceMemory::allocate(std::shared_ptr<CudaDevice> device, size_t bytes) {
  CudaAddress address = 0;
  if (bytes > 0) {
    const CudaApi& api = device->api();
    const CudaDevice::Use use(*device);
    if (!use.status().ok()) return use.status();
    const Status allocated = api.check(api.MemAlloc_v2(&address, bytes), "cuMemAlloc");
    if (!allocated.ok()) return allocated.withPrefix(std::to_string(bytes) + " bytes of GPU memory: ");
  }
  return std::shared_ptr<DeviceMemory>(
      new DeviceMemory(std::move(device), std::bit_cast<std::byte*>(address), bytes, true));
}

std::shared_ptr<DeviceMemory> DeviceMemory::borrow(std::shared_ptr<CudaDevice> device, std::byte* data, size_t bytes) {
  return std::shared_ptr<DeviceMemory>(new DeviceMemory(std::move(device), data, bytes, false));
}

DeviceMemory::~DeviceMemory() {
  if (!owned_ || !data_) return;
  const CudaDevice::Use use(*device_);
  if (use.status().ok()) device_->api().MemFree_v2(addressOf(data_));
}

// Through a stream of its own: a plain copy from memory that is not pinned may return before the GPU has the data.
Status DeviceMemory::write(size_t offset, std::span<const std::byte> from, Deadline deadline) {
  if (Status s = checkFits(*this, offset, from.size()); !s.ok()) return s;
  if (from.empty()) return Status::okay();
  auto stream = CudaStream::create(device_);
  if (!stream.ok()) return stream.status();
  const CudaApi& api = device_->api();
  const CudaDevice::Use use(*device_);
  const CudaResult begun =
      api.MemcpyHtoDAsync_v2(addressOf(data_ + offset), from.data(), from.size(), stream.value()->handle());
  if (Status s = api.check(begun, "cuMemcpyHtoDAsync"); !s.ok()) return s;
  return stream.value()->finish(deadline);
}

Status DeviceMemory::read(size_t offset, std::span<std::byte> into, Deadline deadline) const {
  if (Status s = checkFits(*this, offset, into.size()); !s.ok()) return s;
  if (into.empty()) return Status::okay();
  auto stream = CudaStream::create(device_);
  if (!stream.ok()) return stream.status();
  const CudaApi& api = device_->api();
  const CudaDevice::Use use(*device_);
  const CudaResult begun =
      api.MemcpyDtoHAsync_v2(into.data(), addressOf(data_ + offset), into.size(), stream.value()->handle());
  if (Status s = api.check(begun, "cuMemcpyDtoHAsync"); !s.ok()) return s;
  return stream.value()->finish(deadline);
}

}  // namespace tsring
