#include "kernel/adasum.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "kernel/half.h"
#include "kernel/target_clones.h"

namespace tsring {
namespace {

// As many sums go on side by side, so that the compiler may use vectors; always as many, for the same bits on every
// CPU.
constexpr size_t kPartialSums = 8;
// 16-bit floats are widened in runs that stay in the nearest cache.
constexpr size_t kRun = 1024;

#define TSRING_ADASUM(SUFFIX, TYPE)                                                                              \
  TSRING_TARGET_CLONES void products##SUFFIX(const TYPE* a, const TYPE* b, size_t count, double* ab, double* aa, \
                                             double* bb) {                                                       \
    size_t i = 0;                                                                                                \
    for (; i + kPartialSums <= count; i += kPartialSums) {                                                       \
      for (size_t lane = 0; lane < kPartialSums; ++lane) {                                                       \
        const auto x = static_cast<double>(a[i + lane]);                                                         \
        const auto y = static_cast<double>(b[i + lane]);                                                         \
        ab[lane] += x * y;                                                                                       \
        aa[lane] += x * x;                                                                                       \
        bb[lane] += y * y;                                                                                       \
      }                                                                                                          \
    }                                                                                                            \
    for (; i < count; ++i) {                                                                                     \
      const auto x = static_cast<double>(a[i]);                                                                  \
      const auto y = static_cast<double>(b[i]);                                                                  \
      ab[0] += x * y;                                                                                            \
      aa[0] += x * x;                                                                                            \
      bb[0] += y * y;                                                                                            \
    }                                                                                                            \
  }                                                                                                              \
  TSRING_TARGET_CLONES void combine##SUFFIX(TYPE* out, const TYPE* a, const TYPE* b, size_t count, TYPE ofA,     \
                                            TYPE ofB) {                                                          \
    _Pragma("GCC ivdep") for (size_t i = 0; i < count; ++i) out[i] = ofA * a[i] + ofB * b[i];                    \
  }
TSRING_ADASUM(Float32, float)
TSRING_ADASUM(Float64, double)

/// Sums that grow run by run.
struct Lanes {
  std::array<double, kPartialSums> ab{}, aa{}, bb{};
  void add(const float* a, const float* b, size_t count) {
    productsFloat32(a, b, count, ab.data(), aa.data(), bb.data());
  }
  void add(const double* a, const double* b, size_t count) {
    productsFloat64(a, b, count, ab.data(), aa.data(), bb.data());
  }
  AdasumProducts total() const {
    AdasumProducts sums;
    for (size_t lane = 0; lane < kPartialSums; ++lane) sums += {ab[lane], aa[lane], bb[lane]};
    return sums;
  }
};

template <typename Body>
void inRuns(size_t count, Body body) {
  for (size_t done = 0; done < count; done += kRun) body(done, std::min(kRun, count - done));
}

}  // namespace

AdasumProducts adasumProducts(DType dtype, const std::byte* a, const std::byte* b, size_t count) {
  Lanes lanes;
  if (dtype == DType::kFloat32) {
    lanes.add(reinterpret_cast<const float*>(a), reinterpret_cast<const float*>(b), count);
  } else if (dtype == DType::kFloat64) {
    lanes.add(reinterpret_cast<const double*>(a), reinterpret_cast<const double*>(b), count);
  } else {
    assert(isFloat(dtype));
    const HalfKernels& half = halfKernels(dtype);
    std::array<float, kRun> wideA, wideB;
    inRuns(count, [&](size_t at, size_t length) {
      half.widen(wideA.data(), a + 2 * at, length, 1);
      half.widen(wideB.data(), b + 2 * at, length, 1);
      lanes.add(wideA.data(), wideB.data(), length);
    });
  }
  return lanes.total();
}

void adasumCombine(DType dtype, std::byte* out, const std::byte* a, const std::byte* b, size_t count,
                   const AdasumProducts& products) {
  const double ofA = products.aa > 0 ? 1 - products.ab / products.aa / 2 : 1;
  const double ofB = products.bb > 0 ? 1 - products.ab / products.bb / 2 : 1;
  if (dtype == DType::kFloat64) {
    return combineFloat64(reinterpret_cast<double*>(out), reinterpret_cast<const double*>(a),
                          reinterpret_cast<const double*>(b), count, ofA, ofB);
  }
  const auto narrowA = static_cast<float>(ofA);
  const auto narrowB = static_cast<float>(ofB);
  if (dtype == DType::kFloat32) {
    return combineFloat32(reinterpret_cast<float*>(out), reinterpret_cast<const float*>(a),
                          reinterpret_cast<const float*>(b), count, narrowA, narrowB);
  }
  assert(isFloat(dtype));
  const HalfKernels& half = halfKernels(dtype);
  std::array<float, kRun> wideA, wideB;
  inRuns(count, [&](size_t at, size_t length) {
    half.widen(wideA.data(), a + 2 * at, length, 1);
    half.widen(wideB.data(), b + 2 * at, length, 1);
    combineFloat32(wideA.data(), wideA.data(), wideB.data(), length, narrowA, narrowB);
    half.narrow(out + 2 * at, wideA.data(), length, 1);
  });
}

}  // namespace tsring
