#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/status.h"

// What we use of CUDA's driver interface, declared here so that the addon builds where no CUDA is, and found at run
// time in libcuda.so.1, which comes with the driver and has one name for CUDA 11 and everything later. The names are
// those of the library: cuda.h maps cuMemAlloc to cuMemAlloc_v2, and so on.
namespace tsring {

using CudaResult = int;
using CudaAddress = uint64_t;
struct CudaContext;
struct CudaStreamHandle;
struct CudaEventHandle;
struct CudaModule;
struct CudaFunction;

inline constexpr CudaResult kCudaSuccess = 0;
inline constexpr CudaResult kCudaNoDevice = 100;
inline constexpr CudaResult kCudaNotReady = 600;
inline constexpr unsigned kCudaStreamNonBlocking = 1;   // does not wait for the default stream, nor it for us
inline constexpr unsigned kCudaHostPortable = 1;        // pinned as all contexts of the process see it
inline constexpr unsigned kCudaEventDisableTiming = 2;  // cheaper to record

// X(name without cu, type)
#define TSRING_CUDA_FUNCTIONS(X)                                                                                \
  X(Init, CudaResult(unsigned flags))                                                                           \
  X(DriverGetVersion, CudaResult(int*))                                                                         \
  X(GetErrorName, CudaResult(CudaResult, const char**))                                                         \
  X(GetErrorString, CudaResult(CudaResult, const char**))                                                       \
  X(DeviceGetCount, CudaResult(int*))                                                                           \
  X(DeviceGet, CudaResult(int*, int ordinal))                                                                   \
  X(DeviceGetName, CudaResult(char*, int length, int device))                                                   \
  X(DeviceGetUuid_v2, CudaResult(unsigned char* uuid, int device))                                              \
  X(DevicePrimaryCtxRetain, CudaResult(CudaContext**, int device))                                              \
  X(DevicePrimaryCtxRelease_v2, CudaResult(int device))                                                         \
  X(CtxPushCurrent_v2, CudaResult(CudaContext*))                                                                \
  X(CtxPopCurrent_v2, CudaResult(CudaContext**))                                                                \
  X(CtxSynchronize, CudaResult())                                                                               \
  X(PointerGetAttribute, CudaResult(void* data, int attribute, CudaAddress))                                    \
  X(MemAlloc_v2, CudaResult(CudaAddress*, size_t bytes))                                                        \
  X(MemFree_v2, CudaResult(CudaAddress))                                                                        \
  X(MemHostAlloc, CudaResult(void**, size_t bytes, unsigned flags))                                             \
  X(MemFreeHost, CudaResult(void*))                                                                             \
  X(MemcpyHtoDAsync_v2, CudaResult(CudaAddress, const void*, size_t, CudaStreamHandle*))                        \
  X(MemcpyDtoHAsync_v2, CudaResult(void*, CudaAddress, size_t, CudaStreamHandle*))                              \
  X(StreamCreate, CudaResult(CudaStreamHandle**, unsigned flags))                                               \
  X(StreamDestroy_v2, CudaResult(CudaStreamHandle*))                                                            \
  X(EventCreate, CudaResult(CudaEventHandle**, unsigned flags))                                                 \
  X(EventDestroy_v2, CudaResult(CudaEventHandle*))                                                              \
  X(EventRecord, CudaResult(CudaEventHandle*, CudaStreamHandle*))                                               \
  X(StreamWaitEvent, CudaResult(CudaStreamHandle*, CudaEventHandle*, unsigned flags))                           \
  X(EventQuery, CudaResult(CudaEventHandle*))                                                                   \
  X(ModuleLoadData, CudaResult(CudaModule**, const void* image))                                                \
  X(ModuleUnload, CudaResult(CudaModule*))                                                                      \
  X(ModuleGetFunction, CudaResult(CudaFunction**, CudaModule*, const char* name))                               \
  X(LaunchKernel,                                                                                               \
    CudaResult(CudaFunction*, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, \
               unsigned blockZ, unsigned sharedBytes, CudaStreamHandle*, void** args, void** extra))

/// The functions of the driver.
struct CudaApi {
#define TSRING_DECLARE(name, type) std::add_pointer_t<type> name = nullptr;
  TSRING_CUDA_FUNCTIONS(TSRING_DECLARE)
#undef TSRING_DECLARE
  int driverVersion = 0;  // of CUDA, 12040 for 12.4
  int deviceCount = 0;    // one or more

  /// From the library of this name. Fails with kUnsupported: there is no driver, it lacks a function, or has no GPU.
  static Result<CudaApi> load(const std::string& library);

  /// Success, or kInternal with the driver's words after `what`.
  Status check(CudaResult result, std::string_view what) const;
};

/// The driver of this machine, looked for once. Not to be called before a fork: CUDA does not survive one. Any thread.
const Result<CudaApi>& cudaApi();

}  // namespace tsring
