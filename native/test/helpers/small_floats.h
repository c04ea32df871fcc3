#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace tsring {

/// A float of 16 bits with `kExponentBits` and `kMantissaBits`, worked out by the book, as far as possible from how the
/// kernels do it.
template <int kExponentBits, int kMantissaBits>
struct SmallFloat {
  uint16_t bits = 0;

  SmallFloat() = default;
  explicit SmallFloat(float value) : bits(encode(value)) {}
  operator float() const { return decode(bits); }

  static constexpr int kBias = (1 << (kExponentBits - 1)) - 1;
  static constexpr int kLargestExponent = (1 << kExponentBits) - 1;  // of infinities and NaN
  static constexpr int kMantissas = 1 << kMantissaBits;

  static SmallFloat ofBits(uint16_t bits) {
    SmallFloat value;
    value.bits = bits;
    return value;
  }
  bool isNaN() const { return (bits >> kMantissaBits & kLargestExponent) == kLargestExponent && bits % kMantissas; }

 private:
  static float decode(uint16_t bits) {
    const float sign = bits >> 15 ? -1.0F : 1.0F;
    const int exponent = bits >> kMantissaBits & kLargestExponent;
    const int mantissa = bits % kMantissas;
    if (exponent == kLargestExponent) {
      return std::copysign(mantissa ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity(),
                           sign);
    }
    const int whole = exponent ? mantissa + kMantissas : mantissa;
    return sign * std::ldexp(static_cast<float>(whole), std::max(exponent, 1) - kBias - kMantissaBits);
  }

  static uint16_t encode(float value) {
    const auto sign = static_cast<uint16_t>(std::signbit(value) ? 1 << 15 : 0);
    const auto infinity = static_cast<uint16_t>(kLargestExponent << kMantissaBits);
    if (std::isnan(value)) return static_cast<uint16_t>(sign | infinity | kMantissas / 2);
    if (std::isinf(value)) return static_cast<uint16_t>(sign | infinity);
    // Units of the last place, rounded to nearest even as nearbyint does; carries into the exponent come out right.
    const double magnitude = std::fabs(static_cast<double>(value));
    const int exponent = magnitude == 0 ? 1 : std::max(std::ilogb(magnitude) + kBias, 1);
    const double units = std::nearbyint(std::ldexp(magnitude, kMantissaBits + kBias - exponent));
    const double rounded = units + (exponent - 1) * static_cast<double>(kMantissas);
    return static_cast<uint16_t>(sign | (rounded >= infinity ? infinity : static_cast<uint16_t>(rounded)));
  }
};

using Float16 = SmallFloat<5, 10>;
using Bfloat16 = SmallFloat<8, 7>;

}  // namespace tsring
