#include "kernel/reduce.h"

#include <algorithm>
#include <cassert>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "kernel/half.h"
#include "kernel/target_clones.h"

namespace tsring {
namespace {

// Combined in steps that stay in the nearest cache while several inputs are added to one output.
constexpr size_t kCachedBytes = 8 << 10;

// Integers are added and multiplied as unsigned (which int, as small ones would be, is not), where overflow is defined
// to wrap.
template <typename T>
struct WrappingOf {
  using type = T;
};
template <std::integral T>
struct WrappingOf<T> {
  using type = std::common_type_t<unsigned, std::make_unsigned_t<T>>;
};
template <typename T>
using Wrapping = typename WrappingOf<T>::type;

template <typename T>
T add(T a, T b) {
  return static_cast<T>(static_cast<Wrapping<T>>(a) + static_cast<Wrapping<T>>(b));
}
template <typename T>
T multiply(T a, T b) {
  return static_cast<T>(static_cast<Wrapping<T>>(a) * static_cast<Wrapping<T>>(b));
}
// `b != b` is only true of NaN.
template <typename T>
T smaller(T a, T b) {
  return (b < a) | (b != b) ? b : a;
}
template <typename T>
T larger(T a, T b) {
  return (a < b) | (b != b) ? b : a;
}

// GCC clones plain functions, not templates: hence the macro, one function for each type and operation. The output is
// one of the inputs or apart from both, so no iteration depends on another.
#define TSRING_REDUCE(NAME, TYPE, COMBINE)                                                              \
  TSRING_TARGET_CLONES void NAME(std::byte* outBytes, const std::byte* aBytes, const std::byte* bBytes, \
                                 size_t count) {                                                        \
    auto* out = reinterpret_cast<TYPE*>(outBytes);                                                      \
    const auto* a = reinterpret_cast<const TYPE*>(aBytes);                                              \
    const auto* b = reinterpret_cast<const TYPE*>(bBytes);                                              \
    _Pragma("GCC ivdep") for (size_t i = 0; i < count; ++i) out[i] = COMBINE(a[i], b[i]);               \
  }
#define TSRING_REDUCE_ALL(TYPE, SUFFIX)     \
  TSRING_REDUCE(sum##SUFFIX, TYPE, add)     \
  TSRING_REDUCE(min##SUFFIX, TYPE, smaller) \
  TSRING_REDUCE(max##SUFFIX, TYPE, larger)  \
  TSRING_REDUCE(product##SUFFIX, TYPE, multiply)

TSRING_REDUCE_ALL(uint8_t, Uint8)
TSRING_REDUCE_ALL(int8_t, Int8)
TSRING_REDUCE_ALL(int16_t, Int16)
TSRING_REDUCE_ALL(uint16_t, Uint16)
TSRING_REDUCE_ALL(int32_t, Int32)
TSRING_REDUCE_ALL(int64_t, Int64)
TSRING_REDUCE_ALL(float, Float32)
TSRING_REDUCE_ALL(double, Float64)

// Processors divide floats many at a time, integers one by one. The quotient of two 32-bit integers is further from the
// next integer than float64 rounds, and so is that of 16-bit ones in float32: cut off, it is the integers' quotient.
template <typename T>
using Quotient =
    std::conditional_t<!std::is_integral_v<T> || sizeof(T) == 8, T, std::conditional_t<sizeof(T) == 4, double, float>>;

#define TSRING_DIVIDE(NAME, TYPE)                                                                                  \
  TSRING_TARGET_CLONES void NAME(std::byte* bytes, size_t count, int divisor) {                                    \
    auto* values = reinterpret_cast<TYPE*>(bytes);                                                                 \
    const auto by = static_cast<Quotient<TYPE>>(divisor);                                                          \
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<TYPE>(static_cast<Quotient<TYPE>>(values[i]) / by); \
  }
TSRING_DIVIDE(divideUint8, uint8_t)
TSRING_DIVIDE(divideInt8, int8_t)
TSRING_DIVIDE(divideInt16, int16_t)
TSRING_DIVIDE(divideUint16, uint16_t)
TSRING_DIVIDE(divideInt32, int32_t)
TSRING_DIVIDE(divideInt64, int64_t)
TSRING_DIVIDE(divideFloat32, float)
TSRING_DIVIDE(divideFloat64, double)

using Reduce = void (*)(std::byte*, const std::byte*, const std::byte*, size_t);

struct Reducers {
  Reduce sum, min, max, product;
};

// Indexed by DType. A bool is a byte of 0 or 1: 'any' is max and 'all' is min. 16-bit floats have kernels of their own.
constexpr Reducers kReducers[kDTypeCount] = {
    {sumUint8, minUint8, maxUint8, productUint8},
    {sumInt32, minInt32, maxInt32, productInt32},
    {sumInt64, minInt64, maxInt64, productInt64},
    {sumFloat32, minFloat32, maxFloat32, productFloat32},
    {sumFloat64, minFloat64, maxFloat64, productFloat64},
    {maxUint8, minUint8, maxUint8, minUint8},
    {},
    {},
    {sumInt8, minInt8, maxInt8, productInt8},
    {sumInt16, minInt16, maxInt16, productInt16},
    {sumUint16, minUint16, maxUint16, productUint16},
};

template <typename Kernels>
auto kernelOf(const Kernels& kernels, ReduceOp op) {
  switch (op) {
    case ReduceOp::kMin:
      return kernels.min;
    case ReduceOp::kMax:
      return kernels.max;
    case ReduceOp::kProduct:
      return kernels.product;
    case ReduceOp::kSum:
    case ReduceOp::kAverage:
    case ReduceOp::kAdasum:  // never comes here: collective/adasum.h
      break;
  }
  return kernels.sum;
}

}  // namespace

void combine(ReduceOp op, DType dtype, std::byte* out, const std::byte* a, const std::byte* b, size_t count) {
  if (isHalf(dtype)) {
    const std::byte* const inputs[] = {a, b};
    return kernelOf(halfKernels(dtype), op)(out, inputs, 2, count, 1);
  }
  kernelOf(kReducers[static_cast<size_t>(dtype)], op)(out, a, b, count);
}

void combineMany(ReduceOp op, DType dtype, std::byte* out, std::span<const std::byte* const> inputs, size_t count,
                 int divisor) {
  assert(inputs.size() >= 2);
  const bool average = op == ReduceOp::kAverage;
  if (isHalf(dtype)) {
    return kernelOf(halfKernels(dtype), op)(out, inputs.data(), inputs.size(), count,
                                            average ? static_cast<float>(divisor) : 1);
  }
  const Reduce reduce = kernelOf(kReducers[static_cast<size_t>(dtype)], op);
  const size_t element = elementSize(dtype);
  const size_t near = kCachedBytes / element;
  for (size_t done = 0; done < count; done += near) {
    const size_t step = std::min(near, count - done);
    const size_t at = done * element;
    reduce(out + at, inputs[0] + at, inputs[1] + at, step);
    for (const std::byte* input : inputs.subspan(2)) reduce(out + at, out + at, input + at, step);
    if (average) divideBy(dtype, out + at, step, divisor);
  }
}

void divideBy(DType dtype, std::byte* values, size_t count, int divisor) {
  switch (dtype) {
    case DType::kUint8:
    case DType::kBool:
      return divideUint8(values, count, divisor);
    case DType::kInt8:
      return divideInt8(values, count, divisor);
    case DType::kInt16:
      return divideInt16(values, count, divisor);
    case DType::kUint16:
      return divideUint16(values, count, divisor);
    case DType::kInt32:
      return divideInt32(values, count, divisor);
    case DType::kInt64:
      return divideInt64(values, count, divisor);
    case DType::kFloat32:
      return divideFloat32(values, count, divisor);
    case DType::kFloat64:
      return divideFloat64(values, count, divisor);
    case DType::kFloat16:
    case DType::kBfloat16:
      const std::byte* const inputs[] = {values};
      return halfKernels(dtype).sum(values, inputs, 1, count, static_cast<float>(divisor));
  }
}

}  // namespace tsring
