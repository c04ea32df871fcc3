#pragma once

#include <array>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/status.h"
#include "nccl/cuda_api.h"

// What we use of NCCL, declared here and found at run time in libnccl.so.2, like the driver. NCCL promises that none of
// this changes within version 2; ncclConfig only grows, and a caller tells by `size` and `version` how much it knows.
namespace tsring {

using NcclResult = int;
struct NcclComm;

inline constexpr NcclResult kNcclSuccess = 0;
inline constexpr NcclResult kNcclRemoteError = 6;
inline constexpr NcclResult kNcclInProgress = 7;

/// By which ranks find each other; made by one of them.
struct NcclUniqueId {
  std::array<char, 128> bytes;
};

/// As of 2.18.1: later versions take their own defaults for what they have added.
struct NcclConfig {
  size_t size = sizeof(NcclConfig);
  unsigned magic = 0xcafebeef;
  unsigned version = 21801;
  int blocking = 0;
  int cgaClusterSize = INT_MIN;  // INT_MIN and null: NCCL's own choice
  int minCtas = INT_MIN;
  int maxCtas = INT_MIN;
  const char* netName = nullptr;
  int splitShare = INT_MIN;
};
inline constexpr int kNcclOldest = 21801;

enum class NcclDType : int {
  kInt8 = 0,
  kUint8 = 1,
  kInt32 = 2,
  kInt64 = 4,
  kFloat16 = 6,
  kFloat32 = 7,
  kFloat64 = 8,
  kBfloat16 = 9
};
enum class NcclOp : int { kSum = 0, kProduct = 1, kMax = 2, kMin = 3, kAverage = 4 };

// X(name without nccl, type)
#define TSRING_NCCL_FUNCTIONS(X)                                                                                     \
  X(GetVersion, NcclResult(int*))                                                                                    \
  X(GetUniqueId, NcclResult(NcclUniqueId*))                                                                          \
  X(GetErrorString, const char*(NcclResult))                                                                         \
  X(GetLastError, const char*(NcclComm*))                                                                            \
  X(CommInitRankConfig, NcclResult(NcclComm**, int size, NcclUniqueId, int rank, NcclConfig*))                       \
  X(CommGetAsyncError, NcclResult(NcclComm*, NcclResult*))                                                           \
  X(CommFinalize, NcclResult(NcclComm*))                                                                             \
  X(CommDestroy, NcclResult(NcclComm*))                                                                              \
  X(CommAbort, NcclResult(NcclComm*))                                                                                \
  X(GroupStart, NcclResult())                                                                                        \
  X(GroupEnd, NcclResult())                                                                                          \
  X(AllReduce, NcclResult(const void*, void*, size_t count, NcclDType, NcclOp, NcclComm*, CudaStreamHandle*))        \
  X(Reduce, NcclResult(const void*, void*, size_t count, NcclDType, NcclOp, int root, NcclComm*, CudaStreamHandle*)) \
  X(ReduceScatter, NcclResult(const void*, void*, size_t count, NcclDType, NcclOp, NcclComm*, CudaStreamHandle*))    \
  X(Broadcast, NcclResult(const void*, void*, size_t count, NcclDType, int root, NcclComm*, CudaStreamHandle*))      \
  X(AllGather, NcclResult(const void*, void*, size_t count, NcclDType, NcclComm*, CudaStreamHandle*))                \
  X(Send, NcclResult(const void*, size_t count, NcclDType, int peer, NcclComm*, CudaStreamHandle*))                  \
  X(Recv, NcclResult(void*, size_t count, NcclDType, int peer, NcclComm*, CudaStreamHandle*))

/// The functions of one NCCL.
struct NcclApi {
#define TSRING_DECLARE(name, type) std::add_pointer_t<type> name = nullptr;
  TSRING_NCCL_FUNCTIONS(TSRING_DECLARE)
#undef TSRING_DECLARE
  int version = 0;  // 22707 for 2.27.7

  /// From the library of this name or path. Fails with kUnsupported: it is not there, lacks a function, or is older
  /// than 2.18.1.
  static Result<NcclApi> load(const std::string& library);
};

/// The NCCL of this process: the library of this name or path; empty: libnccl.so.2. It is looked for once a name. Any
/// thread; the result lasts as long as the process.
const Result<NcclApi>& ncclApi(const std::string& library);

/// "2.27.7" for 22707.
std::string ncclVersionText(int version);

}  // namespace tsring
