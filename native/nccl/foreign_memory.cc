#include "nccl/foreign_memory.h"

#include <bit>
#include <string>

namespace tsring {
namespace {

constexpr int kMemoryType = 2;     // CU_POINTER_ATTRIBUTE_MEMORY_TYPE
constexpr int kDeviceOrdinal = 9;  // CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL
constexpr unsigned kOnDevice = 2;  // CU_MEMORYTYPE_DEVICE

}  // namespace

Result<std::shared_ptr<CudaDevice>> openGpu(int number) {
  const Result<CudaApi>& cuda = cudaApi();
  if (!cuda.ok()) return cuda.status();
  return CudaDevice::open(cuda.value(), number);
}

Status checkIsOn(const CudaDevice& device, const void* address) {
  const CudaApi& api = device.api();
  const CudaDevice::Use use(device);
  if (!use.status().ok()) return use.status();
  unsigned type = 0;
  int ordinal = -1;
  // The driver refuses an address that it knows nothing of.
  const auto at = std::bit_cast<CudaAddress>(address);
  const bool known = api.PointerGetAttribute(&type, kMemoryType, at) == kCudaSuccess;
  if (!known || type != kOnDevice) return Status(StatusCode::kUnsupported, "a tensor is in main memory");
  const Status found = api.check(api.PointerGetAttribute(&ordinal, kDeviceOrdinal, at), "cuPointerGetAttribute");
  if (!found.ok() || ordinal == device.ordinal()) return found;
  return Status(StatusCode::kUnsupported, "a tensor is on GPU " + std::to_string(ordinal) +
                                              ", and this rank's is GPU " + std::to_string(device.ordinal()) +
                                              "; let each process see its GPU alone, as tsrun does");
}

Status awaitEveryone(const CudaDevice& device) {
  const CudaApi& api = device.api();
  const CudaDevice::Use use(device);
  if (!use.status().ok()) return use.status();
  return api.check(api.CtxSynchronize(), "cuCtxSynchronize");
}

}  // namespace tsring
