#include "kernel/scale.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "kernel/half.h"
#include "kernel/target_clones.h"

namespace tsring {
namespace {

// The largest int64 is no float64; what lies above the largest float64 below it is the end of the range.
template <typename T>
T scaled(T value, double factor) {
  constexpr auto kLeast = static_cast<double>(std::numeric_limits<T>::min());
  constexpr auto kTooMuch = static_cast<double>(std::numeric_limits<T>::max() / 2 + 1) * 2;
  const double product = static_cast<double>(value) * factor;
  const T inRange = static_cast<T>(product > kLeast && product < kTooMuch ? product : kLeast);
  return product >= kTooMuch ? std::numeric_limits<T>::max() : inRange;
}

#define TSRING_SCALE(NAME, TYPE, FACTOR, EXPRESSION)                                                         \
  TSRING_TARGET_CLONES void NAME(std::byte* outBytes, const std::byte* bytes, size_t count, FACTOR factor) { \
    auto* out = reinterpret_cast<TYPE*>(outBytes);                                                           \
    const auto* values = reinterpret_cast<const TYPE*>(bytes);                                               \
    _Pragma("GCC ivdep") for (size_t i = 0; i < count; ++i) out[i] = EXPRESSION;                             \
  }
TSRING_SCALE(scaleFloat32, float, float, values[i] * factor)
TSRING_SCALE(scaleFloat64, double, double, values[i] * factor)
TSRING_SCALE(scaleUint8, uint8_t, double, scaled(values[i], factor))
TSRING_SCALE(scaleInt8, int8_t, double, scaled(values[i], factor))
TSRING_SCALE(scaleUint16, uint16_t, double, scaled(values[i], factor))
TSRING_SCALE(scaleInt16, int16_t, double, scaled(values[i], factor))
TSRING_SCALE(scaleInt32, int32_t, double, scaled(values[i], factor))
TSRING_SCALE(scaleInt64, int64_t, double, scaled(values[i], factor))

}  // namespace

void scale(DType dtype, std::byte* out, const std::byte* values, size_t count, double factor) {
  switch (dtype) {
    case DType::kUint8:
      return scaleUint8(out, values, count, factor);
    case DType::kInt8:
      return scaleInt8(out, values, count, factor);
    case DType::kUint16:
      return scaleUint16(out, values, count, factor);
    case DType::kInt16:
      return scaleInt16(out, values, count, factor);
    case DType::kInt32:
      return scaleInt32(out, values, count, factor);
    case DType::kInt64:
      return scaleInt64(out, values, count, factor);
    case DType::kFloat32:
      return scaleFloat32(out, values, count, static_cast<float>(factor));
    case DType::kFloat64:
      return scaleFloat64(out, values, count, factor);
    case DType::kFloat16:
    case DType::kBfloat16:
      return halfKernels(dtype).scale(out, values, count, static_cast<float>(factor));
    case DType::kBool:
      if (out != values && count > 0) std::memcpy(out, values, count);
      return;
  }
}

}  // namespace tsring
