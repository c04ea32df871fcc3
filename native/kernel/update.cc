#include "kernel/update.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "kernel/stream_copy.h"
#include "kernel/target_clones.h"

namespace tsring {
namespace {

using Apply = void(const float* f, const UpdateArrays& arrays, size_t count);

// A clone for each vector unit has to be a function of its own, with arrays and factors in names of their own.

TSRING_TARGET_CLONES void sgd(const float* f, const UpdateArrays& a, size_t count) {
  const float rate = f[0];
  const float* const w = a.value;
  const float* const g = a.gradient;
  float* const out = a.newValue;
#pragma GCC ivdep
  for (size_t i = 0; i < count; ++i) out[i] = w[i] + rate * g[i];
}

/// To be inlined, or it is compiled for the least vector unit alone.
template <bool kNesterov>
[[gnu::always_inline]] inline void followVelocity(const float* f, const UpdateArrays& a, size_t count) {
  const float kept = f[0], rate = f[1];
  const float* const w = a.value;
  const float* const g = a.gradient;
  const float* const s = a.slots[0];
  float* const out = a.newValue;
  float* const newS = a.newSlots[0];
#pragma GCC ivdep
  for (size_t i = 0; i < count; ++i) {
    const float velocity = kept * s[i] + g[i];
    newS[i] = velocity;
    out[i] = w[i] + rate * (kNesterov ? g[i] + kept * velocity : velocity);
  }
}

TSRING_TARGET_CLONES void momentum(const float* f, const UpdateArrays& a, size_t count) {
  followVelocity<false>(f, a, count);
}

TSRING_TARGET_CLONES void nesterov(const float* f, const UpdateArrays& a, size_t count) {
  followVelocity<true>(f, a, count);
}

TSRING_TARGET_CLONES void adam(const float* f, const UpdateArrays& a, size_t count) {
  const float kept1 = f[0], fresh1 = f[1], kept2 = f[2], fresh2 = f[3];
  const float rate = f[4], epsilon = f[5], correction1 = f[6], correction2 = f[7];
  const float* const w = a.value;
  const float* const g = a.gradient;
  const float* const m = a.slots[0];
  const float* const v = a.slots[1];
  float* const out = a.newValue;
  float* const newM = a.newSlots[0];
  float* const newV = a.newSlots[1];
#pragma GCC ivdep
  for (size_t i = 0; i < count; ++i) {
    const float first = kept1 * m[i] + fresh1 * g[i];
    const float second = kept2 * v[i] + fresh2 * (g[i] * g[i]);
    newM[i] = first;
    newV[i] = second;
    out[i] = w[i] + rate * (first / correction1) / (std::sqrt(second / correction2) + epsilon);
  }
}

template <bool kCentered>
[[gnu::always_inline]] inline void followScaled(const float* f, const UpdateArrays& a, size_t count) {
  const float kept = f[0], fresh = f[1], momentumFactor = f[2], rate = f[3], epsilon = f[4];
  const float* const w = a.value;
  const float* const g = a.gradient;
  const float* const s = a.slots[0];
  const float* const u = a.slots[1];
  [[maybe_unused]] const float* const m = a.slots[2];
  float* const out = a.newValue;
  float* const newS = a.newSlots[0];
  float* const newU = a.newSlots[1];
  [[maybe_unused]] float* const newM = a.newSlots[2];
#pragma GCC ivdep
  for (size_t i = 0; i < count; ++i) {
    const float square = kept * s[i] + fresh * (g[i] * g[i]);
    float variance = square + epsilon;
    if constexpr (kCentered) {
      const float mean = kept * m[i] + fresh * g[i];
      newM[i] = mean;
      variance = square - (mean * mean + epsilon);
    }
    const float velocity = momentumFactor * u[i] + rate * g[i] / std::sqrt(variance);
    newS[i] = square;
    newU[i] = velocity;
    out[i] = w[i] - velocity;
  }
}

TSRING_TARGET_CLONES void rmsProp(const float* f, const UpdateArrays& a, size_t count) {
  followScaled<false>(f, a, count);
}

TSRING_TARGET_CLONES void centeredRmsProp(const float* f, const UpdateArrays& a, size_t count) {
  followScaled<true>(f, a, count);
}

struct Entry {
  Apply* apply;
  UpdateForm form;
};

Entry entryOf(Update update) {
  switch (update) {
    case Update::kSgd:
      return {sgd, {0, 1}};
    case Update::kMomentum:
      return {momentum, {1, 2}};
    case Update::kNesterov:
      return {nesterov, {1, 2}};
    case Update::kAdam:
      return {adam, {2, 8}};
    case Update::kRmsProp:
      return {rmsProp, {2, 5}};
    case Update::kCenteredRmsProp:
      return {centeredRmsProp, {3, 5}};
  }
  return {nullptr, {0, 0}};
}

}  // namespace

UpdateArrays UpdateArrays::from(size_t begin) const {
  UpdateArrays arrays{.value = value + begin, .gradient = gradient + begin, .newValue = newValue + begin};
  for (size_t k = 0; k < kMostSlots; ++k) {
    arrays.slots[k] = slots[k] == nullptr ? nullptr : slots[k] + begin;
    arrays.newSlots[k] = newSlots[k] == nullptr ? nullptr : newSlots[k] + begin;
  }
  return arrays;
}

UpdateForm formOf(Update update) {
  return entryOf(update).form;
}

void applyUpdate(Update update, const float* factors, const UpdateArrays& arrays, size_t begin, size_t end,
                 WriteTo writeTo) {
  Apply* const apply = entryOf(update).apply;
  if (writeTo == WriteTo::kCache) {
    apply(factors, arrays.from(begin), end - begin);
    return;
  }
  constexpr size_t kBlock = 1024;
  alignas(64) std::array<float, kBlock> values;
  for (size_t i = begin; i < end; i += kBlock) {
    const size_t count = std::min(kBlock, end - i);
    UpdateArrays block = arrays.from(i);
    float* const to = block.newValue;
    block.newValue = values.data();
    apply(factors, block, count);
    const auto bytes = std::as_bytes(std::span(values).first(count));
    streamCopy(reinterpret_cast<std::byte*>(to), bytes.data(), bytes.size());
  }
  endStreams();
}

}  // namespace tsring
