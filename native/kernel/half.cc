#include "kernel/half.h"

#include <cassert>

// The pragmas below are gcc's, and clang has others: there, and on other processors, the baseline is all there is.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define TSRING_X86_LEVELS 1
#include <immintrin.h>
#else
#define TSRING_X86_LEVELS 0
#endif

namespace tsring {
namespace {

namespace baseline {
#define TSRING_LANES 4
constexpr size_t kLanes = TSRING_LANES;
#include "kernel/half_loops.h"
#undef TSRING_LANES
}  // namespace baseline

#if TSRING_X86_LEVELS
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
namespace avx2 {
#define TSRING_LANES 8
constexpr size_t kLanes = TSRING_LANES;
#include "kernel/half_loops.h"
#undef TSRING_LANES
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4")
namespace avx512 {
#define TSRING_LANES 16
constexpr size_t kLanes = TSRING_LANES;
#include "kernel/half_loops.h"
#undef TSRING_LANES
}  // namespace avx512
#pragma GCC pop_options
#endif

bool has(VectorLevel level) {
#if TSRING_X86_LEVELS
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                    __builtin_cpu_supports("lzcnt") && __builtin_cpu_supports("movbe");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (level == VectorLevel::kAvx512) return avx512;
  if (level == VectorLevel::kAvx2) return avx2;
#endif
  return level == VectorLevel::kBaseline;
}

VectorLevel highest() {
  if (has(VectorLevel::kAvx512)) return VectorLevel::kAvx512;
  return has(VectorLevel::kAvx2) ? VectorLevel::kAvx2 : VectorLevel::kBaseline;
}

const HalfKernels& kernelsOf(DType dtype, VectorLevel level) {
  const bool float16 = dtype == DType::kFloat16;
  assert(float16 || dtype == DType::kBfloat16);
#if TSRING_X86_LEVELS
  if (level == VectorLevel::kAvx512)
    return float16 ? avx512::kKernels<avx512::Float16> : avx512::kKernels<avx512::Bfloat16>;
  if (level == VectorLevel::kAvx2) return float16 ? avx2::kKernels<avx2::Float16> : avx2::kKernels<avx2::Bfloat16>;
#endif
  return float16 ? baseline::kKernels<baseline::Float16> : baseline::kKernels<baseline::Bfloat16>;
}

}  // namespace

const HalfKernels& halfKernels(DType dtype) {
  static const VectorLevel level = highest();
  return kernelsOf(dtype, level);
}

const HalfKernels* halfKernelsAt(DType dtype, VectorLevel level) {
  return has(level) ? &kernelsOf(dtype, level) : nullptr;
}

}  // namespace tsring
