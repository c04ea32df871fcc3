// What is done to a fusion buffer on a GPU: tensors are copied in and out, scaled and cast on the way, many in one
// launch. The same text is compiled by clang and nvcc for GPUs and by a plain C++ compiler for tests, so it includes
// nothing and uses no instruction by name. scripts/build-kernels.mjs makes kernels_ptx.h of it.

using U8 = unsigned char;
using I8 = signed char;
using U16 = unsigned short;
using I16 = short;
using U32 = unsigned int;
using I32 = int;
using I64 = long long;
using U64 = unsigned long long;

#if defined(TSRING_HOST_KERNELS)
// A test's: one thread of one block goes through a row. It defines where we are, and what a device pointer stands for.
#define __global__
#define __device__
#define TSRING_THREAD \
  U64 { 0 }
#define TSRING_THREADS \
  U64 { 1 }
#define TSRING_ROW hostRow
#elif defined(__clang__)
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define TSRING_THREAD \
  (static_cast<U64>(__nvvm_read_ptx_sreg_ctaid_x()) * __nvvm_read_ptx_sreg_ntid_x() + __nvvm_read_ptx_sreg_tid_x())
#define TSRING_THREADS (static_cast<U64>(__nvvm_read_ptx_sreg_nctaid_x()) * __nvvm_read_ptx_sreg_ntid_x())
#define TSRING_ROW __nvvm_read_ptx_sreg_ctaid_y()
#else
#define TSRING_THREAD (U64{blockIdx.x} * blockDim.x + threadIdx.x)
#define TSRING_THREADS (U64{gridDim.x} * blockDim.x)
#define TSRING_ROW blockIdx.y
#endif
#if !defined(TSRING_HOST_POINTER)
#define TSRING_HOST_POINTER(pointer) (pointer)
#endif

/// One run of elements. From nowhere come zeros. Row y of a launch's grid does segment y. (device_kernels.h has it
/// too.)
struct Segment {
  void* to;
  const void* from;
  U64 count;
};

namespace {

__device__ inline U32 bitsOf(float value) {
  union {
    float value;
    U32 bits;
  } both;
  both.value = value;
  return both.bits;
}

__device__ inline float floatOf(U32 bits) {
  union {
    float value;
    U32 bits;
  } both;
  both.bits = bits;
  return both.value;
}

// 16-bit floats as in kernel/half_loops.h, in integers: rounded to nearest even, NaN made quiet.
struct Float16 {
  U16 bits;
};
struct Bfloat16 {
  U16 bits;
};

__device__ inline float widen(Float16 half) {
  const U32 magnitude = half.bits & 0x7fffU;
  const U32 sign = (half.bits & 0x8000U) << 16;
  U32 result = (magnitude << 13) + (112U << 23);
  if (magnitude < 0x400U) result = bitsOf(static_cast<float>(magnitude) * 0x1p-24F);
  if (magnitude >= 0x7c00U) result = (magnitude << 13) | 0x7f800000U;
  if (magnitude > 0x7c00U) result |= 0x400000U;
  return floatOf(result | sign);
}

__device__ inline float widen(Bfloat16 half) {
  return floatOf(U32{half.bits} << 16);
}

__device__ inline void narrow(float value, Float16& half) {
  const U32 bits = bitsOf(value);
  const U32 magnitude = bits & 0x7fffffffU;
  U32 result = (magnitude + 0xfffU + ((magnitude >> 13) & 1U) - (112U << 23)) >> 13;
  // A unit in the last place of 0.5 is that of a denormal: adding rounds there.
  if (magnitude < 0x38800000U) result = bitsOf(floatOf(magnitude) + 0.5F) - 0x3f000000U;
  if (magnitude >= 0x47800000U) result = 0x7c00U;
  if (magnitude > 0x7f800000U) result = ((magnitude >> 13) & 0x3ffU) | 0x7e00U;
  half.bits = static_cast<U16>(result | ((bits >> 16) & 0x8000U));
}

__device__ inline void narrow(float value, Bfloat16& half) {
  const U32 bits = bitsOf(value);
  const bool isNan = (bits & 0x7fffffffU) > 0x7f800000U;
  half.bits = static_cast<U16>(isNan ? (bits >> 16) | 0x40U : (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

__device__ inline void convert(float from, double factor, float& to) {
  to = from * static_cast<float>(factor);
}
__device__ inline void convert(double from, double factor, double& to) {
  to = from * factor;
}
__device__ inline void convert(float from, double factor, Float16& to) {
  narrow(from * static_cast<float>(factor), to);
}
__device__ inline void convert(float from, double factor, Bfloat16& to) {
  narrow(from * static_cast<float>(factor), to);
}
__device__ inline void convert(Float16 from, double factor, Float16& to) {
  narrow(widen(from) * static_cast<float>(factor), to);
}
__device__ inline void convert(Bfloat16 from, double factor, Bfloat16& to) {
  narrow(widen(from) * static_cast<float>(factor), to);
}
__device__ inline void convert(Float16 from, double factor, float& to) {
  to = widen(from) * static_cast<float>(factor);
}
__device__ inline void convert(Bfloat16 from, double factor, float& to) {
  to = widen(from) * static_cast<float>(factor);
}

// As kernel/scale.cc: in float64, truncated toward zero, stopping at the ends of the range.
template <typename T, I64 kLeast, I64 kMost>
__device__ inline T scaled(T value, double factor) {
  const double product = static_cast<double>(value) * factor;
  if (product >= static_cast<double>(kMost / 2 + 1) * 2) return static_cast<T>(kMost);
  return static_cast<T>(product > static_cast<double>(kLeast) ? product : static_cast<double>(kLeast));
}
__device__ inline void convert(U8 from, double factor, U8& to) {
  to = scaled<U8, 0, 0xff>(from, factor);
}
__device__ inline void convert(I8 from, double factor, I8& to) {
  to = scaled<I8, -0x80, 0x7f>(from, factor);
}
__device__ inline void convert(U16 from, double factor, U16& to) {
  to = scaled<U16, 0, 0xffff>(from, factor);
}
__device__ inline void convert(I16 from, double factor, I16& to) {
  to = scaled<I16, -0x8000, 0x7fff>(from, factor);
}
__device__ inline void convert(I32 from, double factor, I32& to) {
  to = scaled<I32, -0x7fffffffLL - 1, 0x7fffffffLL>(from, factor);
}
__device__ inline void convert(I64 from, double factor, I64& to) {
  to = scaled<I64, -0x7fffffffffffffffLL - 1, 0x7fffffffffffffffLL>(from, factor);
}

template <typename From, typename To>
__device__ inline void convertRow(const Segment* segments, double factor) {
  const Segment segment = TSRING_HOST_POINTER(segments)[TSRING_ROW];
  To* to = TSRING_HOST_POINTER(static_cast<To*>(segment.to));
  const From* from = TSRING_HOST_POINTER(static_cast<const From*>(segment.from));
  const U64 threads = TSRING_THREADS;
  for (U64 i = TSRING_THREAD; i < segment.count; i += threads) {
    if (from) {
      convert(from[i], factor, to[i]);
    } else {
      to[i] = To{};
    }
  }
}

struct alignas(16) Sixteen {
  U64 low, high;
};

}  // namespace

extern "C" {

/// `count` is bytes. Sixteen at a time where both ends allow it.
__global__ void tsring_copy(const Segment* segments, double /*factor*/) {
  const Segment segment = TSRING_HOST_POINTER(segments)[TSRING_ROW];
  U8* to = TSRING_HOST_POINTER(static_cast<U8*>(segment.to));
  const U8* from = TSRING_HOST_POINTER(static_cast<const U8*>(segment.from));
  const U64 threads = TSRING_THREADS;
  U64 done = 0;
  if (from && ((reinterpret_cast<U64>(to) | reinterpret_cast<U64>(from)) & 15U) == 0) {
    const U64 wide = segment.count / 16;
    for (U64 i = TSRING_THREAD; i < wide; i += threads)
      reinterpret_cast<Sixteen*>(to)[i] = reinterpret_cast<const Sixteen*>(from)[i];
    done = wide * 16;
  }
  for (U64 i = done + TSRING_THREAD; i < segment.count; i += threads) to[i] = from ? from[i] : U8{0};
}

#define TSRING_CONVERT(name, From, To) \
  __global__ void tsring_##name(const Segment* segments, double factor) { convertRow<From, To>(segments, factor); }
TSRING_CONVERT(scale_float32, float, float)
TSRING_CONVERT(scale_float64, double, double)
TSRING_CONVERT(scale_float16, Float16, Float16)
TSRING_CONVERT(scale_bfloat16, Bfloat16, Bfloat16)
TSRING_CONVERT(scale_uint8, U8, U8)
TSRING_CONVERT(scale_int8, I8, I8)
TSRING_CONVERT(scale_uint16, U16, U16)
TSRING_CONVERT(scale_int16, I16, I16)
TSRING_CONVERT(scale_int32, I32, I32)
TSRING_CONVERT(scale_int64, I64, I64)
TSRING_CONVERT(narrow_float16, float, Float16)
TSRING_CONVERT(narrow_bfloat16, float, Bfloat16)
TSRING_CONVERT(widen_float16, Float16, float)
TSRING_CONVERT(widen_bfloat16, Bfloat16, float)
}
