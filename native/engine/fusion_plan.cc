#include "engine/fusion_plan.h"

namespace tsring {
namespace {

constexpr size_t kAlignment = 64;

size_t aligned(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

FusionPlan planFusion(std::span<const size_t> tensorBytes, size_t thresholdBytes) {
  FusionPlan plan;
  plan.offsets.reserve(tensorBytes.size());
  for (size_t i = 0; i < tensorBytes.size(); ++i) {
    const size_t bytes = aligned(tensorBytes[i]);
    if (plan.buckets.empty() || plan.buckets.back().bytes + bytes > thresholdBytes) {
      plan.buckets.push_back({i, i, plan.bytes, 0});
    }
    Bucket& bucket = plan.buckets.back();
    bucket.endTensor = i + 1;
    bucket.bytes += bytes;
    plan.offsets.push_back(plan.bytes);
    plan.bytes += bytes;
  }
  return plan;
}

}  // namespace tsring
