#include "kernel/update.h"

#include <cmath>

#include "kernel/target_clones.h"

namespace tsring {
namespace {

using Apply = void(const float* f, const float* const* arrays, float* out, size_t begin, size_t end);

// A clone for each vector unit has to be a function of its own, with the arrays in names of their own.
#define TSRING_UPDATE(NAME, EXPRESSION)                                                                              \
  TSRING_TARGET_CLONES void NAME(const float* f, const float* const* arrays, float* out, size_t begin, size_t end) { \
    const float* const x = arrays[0];                                                                                \
    const float* const y = arrays[1];                                                                                \
    _Pragma("GCC ivdep") for (size_t i = begin; i < end; ++i) out[i] = EXPRESSION;                                   \
  }
#define TSRING_UPDATE_OF_3(NAME, EXPRESSION)                                                                         \
  TSRING_TARGET_CLONES void NAME(const float* f, const float* const* arrays, float* out, size_t begin, size_t end) { \
    const float* const x = arrays[0];                                                                                \
    const float* const y = arrays[1];                                                                                \
    const float* const z = arrays[2];                                                                                \
    _Pragma("GCC ivdep") for (size_t i = begin; i < end; ++i) out[i] = EXPRESSION;                                   \
  }
TSRING_UPDATE(linear, f[0] * x[i] + f[1] * y[i])
TSRING_UPDATE(squares, f[0] * x[i] + f[1] * (y[i] * y[i]))
TSRING_UPDATE_OF_3(nesterov, x[i] + f[0] * (y[i] + f[1] * z[i]))
TSRING_UPDATE_OF_3(adam, x[i] + f[0] * (y[i] / f[2]) / (std::sqrt(z[i] / f[3]) + f[1]))
TSRING_UPDATE_OF_3(rmsProp, f[0] * x[i] + f[1] * y[i] / std::sqrt(z[i] + f[2]))

TSRING_TARGET_CLONES void centeredRmsProp(const float* f, const float* const* arrays, float* out, size_t begin,
                                          size_t end) {
  const float* const x = arrays[0];
  const float* const y = arrays[1];
  const float* const z = arrays[2];
  const float* const w = arrays[3];
#pragma GCC ivdep
  for (size_t i = begin; i < end; ++i) out[i] = f[0] * x[i] + f[1] * y[i] / std::sqrt(z[i] - (w[i] * w[i] + f[2]));
}

struct Entry {
  Apply* apply;
  UpdateForm form;
};

Entry entryOf(Update update) {
  switch (update) {
    case Update::kLinear:
      return {linear, {2, 2}};
    case Update::kSquares:
      return {squares, {2, 2}};
    case Update::kNesterov:
      return {nesterov, {3, 2}};
    case Update::kAdam:
      return {adam, {3, 4}};
    case Update::kRmsProp:
      return {rmsProp, {3, 3}};
    case Update::kCenteredRmsProp:
      return {centeredRmsProp, {4, 3}};
  }
  return {nullptr, {0, 0}};
}

}  // namespace

UpdateForm formOf(Update update) {
  return entryOf(update).form;
}

void applyUpdate(Update update, const float* factors, const float* const* arrays, float* out, size_t begin,
                 size_t end) {
  entryOf(update).apply(factors, arrays, out, begin, end);
}

}  // namespace tsring
