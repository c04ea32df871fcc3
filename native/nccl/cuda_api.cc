#include "nccl/cuda_api.h"

#include "base/dynamic_library.h"

namespace tsring {
namespace {

std::string describe(const CudaApi& api, CudaResult result) {
  const char* name = nullptr;
  const char* words = nullptr;
  api.GetErrorName(result, &name);
  api.GetErrorString(result, &words);
  return std::string(name ? name : "an unknown error")
      .append(" (")
      .append(std::to_string(result))
      .append(words ? std::string("): ").append(words) : ")");
}

}  // namespace

Result<CudaApi> CudaApi::load(const std::string& name) {
  const auto library = DynamicLibrary::open(name);
  if (!library.ok()) return library.status().withPrefix("no NVIDIA driver: ");
  CudaApi api;
#define TSRING_BIND(function, type) \
  if (Status s = library.value().bind(api.function, "cu" #function); !s.ok()) return s.withPrefix("NVIDIA driver: ");
  TSRING_CUDA_FUNCTIONS(TSRING_BIND)
#undef TSRING_BIND
  const CudaResult begun = api.Init(0);
  if (begun == kCudaNoDevice) return Status(StatusCode::kUnsupported, "the NVIDIA driver has no GPU for this process");
  if (begun != kCudaSuccess) {
    return Status(StatusCode::kUnsupported, "the NVIDIA driver does not start: cuInit: " + describe(api, begun));
  }
  if (Status s = api.check(api.DriverGetVersion(&api.driverVersion), "cuDriverGetVersion"); !s.ok()) return s;
  if (Status s = api.check(api.DeviceGetCount(&api.deviceCount), "cuDeviceGetCount"); !s.ok()) return s;
  if (api.deviceCount > 0) return api;
  return Status(StatusCode::kUnsupported, "no GPU is visible to this process (CUDA_VISIBLE_DEVICES?)");
}

Status CudaApi::check(CudaResult result, std::string_view what) const {
  if (result == kCudaSuccess) return Status::okay();
  return Status(StatusCode::kInternal, std::string(what) + ": " + describe(*this, result));
}

const Result<CudaApi>& cudaApi() {
  static const Result<CudaApi> api = CudaApi::load("libcuda.so.1");
  return api;
}

}  // namespace tsring
