#pragma once

#include <array>
#include <cstddef>

namespace tsring {

/// An optimizer's step on one variable, element by element and in one pass: what it remembers of the gradients (slots)
/// and the variable itself. g is the gradient, w the variable, f are factors.
enum class Update : int {
  kSgd,       ///< w + f0 g
  kMomentum,  ///< s = f0 s + g; w + f1 s
  kNesterov,  ///< s = f0 s + g; w + f1 (g + f0 s): a step that looks ahead
  kAdam,      ///< m = f0 m + f1 g; v = f2 v + f3 g^2; w + f4 (m / f6) / (sqrt(v / f7) + f5) (Kingma and Ba, 2014)
  kRmsProp,   ///< s = f0 s + f1 g^2; u = f2 u + f3 g / sqrt(s + f4); w - u (Tieleman and Hinton, 2012)
  kCenteredRmsProp,  ///< also m = f0 m + f1 g, after u; u divides by sqrt(s - (m^2 + f4)): tfjs subtracts f4,
                     ///< TensorFlow adds it
};

/// How many slots it has (as kRmsProp: s, u), and how many factors; no factors for what is no update.
struct UpdateForm {
  size_t slots;
  size_t factors;
};
UpdateForm formOf(Update update);

constexpr size_t kMostSlots = 3;

/// float32. `newSlots` may be `slots`; nothing else overlaps.
struct UpdateArrays {
  const float* value;
  const float* gradient;
  std::array<const float*, kMostSlots> slots{};
  float* newValue;
  std::array<float*, kMostSlots> newSlots{};

  /// Those of the elements from `begin` on.
  UpdateArrays from(size_t begin) const;
};

/// Where new values go: past the cache is faster where they are more than fits into it.
enum class WriteTo { kCache, kMemory };

/// Elements [begin, end) of the arrays.
void applyUpdate(Update update, const float* factors, const UpdateArrays& arrays, size_t begin, size_t end,
                 WriteTo writeTo);

}  // namespace tsring
