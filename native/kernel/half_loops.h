// The loops of half.cc for one level of vector unit. Included there once a level, each time within a namespace of its
// own, with the compiler set to that level and kLanes defined; hence no include guard, and no includes. They are
// written with the compiler's vector types, since gcc 12 leaves a plain loop over float16 scalar.

using Floats = float __attribute__((vector_size(4 * kLanes)));
using Ints = int32_t __attribute__((vector_size(4 * kLanes)));
using Bits = uint32_t __attribute__((vector_size(4 * kLanes)));
using Halves = uint16_t __attribute__((vector_size(2 * kLanes)));

struct Bfloat16 {
  static Floats widen(Halves halves) { return (Floats)(__builtin_convertvector(halves, Bits) << 16); }
  static Halves narrow(Floats floats) {
    const Bits bits = (Bits)floats;
    const Bits rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const Bits quiet = (bits >> 16) | 0x40;
    return __builtin_convertvector((floats != floats) ? quiet : rounded, Halves);
  }
};

struct Float16 {
#if TSRING_LANES == 16
  static Floats widen(Halves halves) {
    return _mm512_maskz_cvtph_ps(0xffff, (__m256i)halves);
  }
  static Halves narrow(Floats floats) {
    return (Halves)_mm512_maskz_cvtps_ph(0xffff, floats, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
#elif TSRING_LANES == 8
  static Floats widen(Halves halves) {
    return _mm256_cvtph_ps((__m128i)halves);
  }
  static Halves narrow(Floats floats) {
    return (Halves)_mm256_cvtps_ph(floats, _MM_FROUND_TO_NEAREST_INT);
  }
#else
  // What the instructions above do, in integers. All magnitudes are below 2^31, so they compare as signed ones.
  static Floats widen(Halves halves) {
    const Ints bits = __builtin_convertvector(halves, Ints);
    const Ints magnitude = bits & 0x7fff;
    const Ints normal = (magnitude << 13) + (112 << 23);
    const Ints infinite = (magnitude << 13) | 0x7f800000;  // or not a number
    const Ints denormal = (Ints)(__builtin_convertvector(magnitude, Floats) * 0x1p-24F);
    Ints result = (magnitude < 0x400) ? denormal : normal;
    result = (magnitude >= 0x7c00) ? infinite : result;
    result = (magnitude > 0x7c00) ? result | 0x400000 : result;
    return (Floats)(result | ((bits & 0x8000) << 16));
  }
  static Halves narrow(Floats floats) {
    const Ints bits = (Ints)floats;
    const Ints magnitude = bits & 0x7fffffff;
    const Ints normal = (magnitude + 0xfff + ((magnitude >> 13) & 1) - (112 << 23)) >> 13;
    // A unit in the last place of 0.5 is that of a denormal: adding rounds there.
    const Ints denormal = (Ints)((Floats)magnitude + 0.5F) - 0x3f000000;
    Ints result = (magnitude < 0x38800000) ? denormal : normal;
    result = (magnitude >= 0x47800000) ? result * 0 + 0x7c00 : result;
    result = (magnitude > 0x7f800000) ? ((magnitude >> 13) & 0x3ff) | 0x7e00 : result;
    return __builtin_convertvector((Bits)(result | ((bits >> 16) & 0x8000)), Halves);
  }
#endif
};

struct Sum {
  static Floats of(Floats a, Floats b) { return a + b; }
};
struct Product {
  static Floats of(Floats a, Floats b) { return a * b; }
};
// `b != b` is only true of NaN.
struct Min {
  static Floats of(Floats a, Floats b) { return ((b < a) | (b != b)) ? b : a; }
};
struct Max {
  static Floats of(Floats a, Floats b) { return ((a < b) | (b != b)) ? b : a; }
};

/// `count` elements, at most kLanes: the last of an array come in a vector that is zero from there on.
template <typename Vector, typename Element>
Vector load(const Element* from, size_t count = kLanes) {
  Vector vector{};
  __builtin_memcpy(&vector, from, count * (sizeof(Vector) / kLanes));
  return vector;
}
template <typename Vector, typename Element>
void store(Element* to, Vector vector, size_t count = kLanes) {
  __builtin_memcpy(to, &vector, count * (sizeof(Vector) / kLanes));
}

template <typename Format, typename Op>
void fold(std::byte* out, const std::byte* const* inputs, size_t inputCount, size_t count, float divisor) {
  const auto at = [&](size_t i, size_t lanes) __attribute__((always_inline)) {
    Floats total = Format::widen(load<Halves>(inputs[0] + 2 * i, lanes));
    for (size_t k = 1; k < inputCount; ++k)
      total = Op::of(total, Format::widen(load<Halves>(inputs[k] + 2 * i, lanes)));
    if (divisor != 1) total = total / divisor;
    store(out + 2 * i, Format::narrow(total), lanes);
  };
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) at(i, kLanes);
  if (i < count) at(i, count - i);
}

template <typename Format>
void widen(float* out, const std::byte* in, size_t count, float factor) {
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(out + i, Format::widen(load<Halves>(in + 2 * i)) * factor);
  if (i < count) store(out + i, Format::widen(load<Halves>(in + 2 * i, count - i)) * factor, count - i);
}

template <typename Format>
void narrow(std::byte* out, const float* in, size_t count, float factor) {
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(out + 2 * i, Format::narrow(load<Floats>(in + i) * factor));
  if (i < count) store(out + 2 * i, Format::narrow(load<Floats>(in + i, count - i) * factor), count - i);
}

template <typename Format>
void scale(std::byte* out, const std::byte* in, size_t count, float factor) {
  const auto at = [&](size_t i, size_t lanes) __attribute__((always_inline)) {
    store(out + 2 * i, Format::narrow(Format::widen(load<Halves>(in + 2 * i, lanes)) * factor), lanes);
  };
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) at(i, kLanes);
  if (i < count) at(i, count - i);
}

template <typename Format>
constexpr HalfKernels kKernels{fold<Format, Sum>, fold<Format, Min>, fold<Format, Max>, fold<Format, Product>,
                               widen<Format>,     narrow<Format>,    scale<Format>};
