#include "engine/run_plan.h"

#include <algorithm>

#include "engine/fusion_plan.h"

namespace tsring {

std::vector<RunBucket> planRuns(std::span<const size_t> counts, const NarrowUnit& unit, size_t thresholdBytes) {
  std::vector<size_t> sizes;
  for (const size_t count : counts) sizes.push_back(unit.bytesOf(count));
  const FusionPlan plan = planFusion(sizes, thresholdBytes, unit.alignment);
  const size_t most = std::max<size_t>(1, thresholdBytes / unit.bytes) * unit.elements;
  std::vector<RunBucket> buckets;
  for (const Bucket& bucket : plan.buckets) {
    if (thresholdBytes > 0 && bucket.bytes > thresholdBytes) {  // one tensor, as no bucket of several is
      const size_t tensor = bucket.firstTensor;
      for (size_t begin = 0; begin < counts[tensor]; begin += most) {
        const size_t count = std::min(most, counts[tensor] - begin);
        buckets.push_back({{{tensor, begin, count, 0}}, unit.bytesOf(count)});
      }
      continue;
    }
    RunBucket next{{}, bucket.bytes};
    for (size_t tensor = bucket.firstTensor; tensor < bucket.endTensor; ++tensor)
      next.runs.push_back({tensor, 0, counts[tensor], plan.offsets[tensor] - bucket.offset});
    buckets.push_back(std::move(next));
  }
  return buckets;
}

}  // namespace tsring
