#include "engine/fusion_plan.h"

namespace tsring {
namespace {

size_t aligned(size_t bytes, size_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

}  // namespace

FusionPlan planFusion(std::span<const size_t> tensorBytes, size_t thresholdBytes, size_t alignment) {
  FusionPlan plan;
  plan.offsets.reserve(tensorBytes.size());
  for (size_t i = 0; i < tensorBytes.size(); ++i) {
    const size_t bytes = aligned(tensorBytes[i], alignment);
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
