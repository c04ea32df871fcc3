#include "nccl/cuda_device.h"

namespace tsring {

Result<std::shared_ptr<CudaDevice>> CudaDevice::open(const CudaApi& api, int number) {
  int device = 0;
  CudaContext* context = nullptr;
  if (Status s = api.check(api.DeviceGet(&device, number % api.deviceCount), "cuDeviceGet"); !s.ok()) return s;
  if (Status s = api.check(api.DevicePrimaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain"); !s.ok()) return s;
  auto opened = std::shared_ptr<CudaDevice>(new CudaDevice(api, device, context));
  char name[128] = "";
  if (Status s = api.check(api.DeviceGetName(name, sizeof name, device), "cuDeviceGetName"); !s.ok()) return s;
  opened->name_ = name;
  if (Status s = api.check(api.DeviceGetUuid_v2(opened->uuid_.data(), device), "cuDeviceGetUuid"); !s.ok()) return s;
  return opened;
}

CudaDevice::~CudaDevice() {
  api_.DevicePrimaryCtxRelease_v2(device_);
}

CudaDevice::Use::Use(const CudaDevice& device)
    : api_(device.api_), status_(api_.check(api_.CtxPushCurrent_v2(device.context_), "cuCtxPushCurrent")) {}

CudaDevice::Use::~Use() {
  CudaContext* popped = nullptr;
  if (status_.ok()) api_.CtxPopCurrent_v2(&popped);
}

}  // namespace tsring
