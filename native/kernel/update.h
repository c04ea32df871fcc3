#pragma once

#include <cstddef>

namespace tsring {

/// What an optimizer does to one array, element by element: a variable, or a slot of its state. Every optimizer's step
/// is one or several of these, each of which reads its arrays once and writes one. Factors are f, arrays x, y and z.
enum class Update : int {
  kLinear,    ///< f0 x + f1 y: momentum, running means, and steps along y
  kSquares,   ///< f0 x + f1 y^2: running means of squares
  kNesterov,  ///< x + f0 (y + f1 z): a step that looks ahead; y gradient, z velocity
  kAdam,      ///< x + f0 (y / f2) / (sqrt(z / f3) + f1): y first moment, z second (Kingma and Ba, 2014)
  kRmsProp,   ///< f0 x + f1 y / sqrt(z + f2): x velocity, y gradient, z mean of squares (Tieleman and Hinton, 2012)
  kCenteredRmsProp,  ///< f0 x + f1 y / sqrt(z - (w^2 + f2)): also w mean of gradients; tfjs subtracts f2, TensorFlow
                     ///< adds it
};

/// How many arrays it reads, and how many factors it has; 0 for what is no update.
struct UpdateForm {
  size_t arrays;
  size_t factors;
};
UpdateForm formOf(Update update);

/// Elements [begin, end) of `out`, which overlaps none of the arrays. float32.
void applyUpdate(Update update, const float* factors, const float* const* arrays, float* out, size_t begin, size_t end);

}  // namespace tsring
