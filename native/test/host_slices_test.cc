#include "collective/host_slices.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "test/helpers/elements.h"
#include "test/helpers/host_groups.h"

namespace tsring {
namespace {

class SlicesOf : public testing::TestWithParam<int> {};

TEST_P(SlicesOf, AreCombinedWhateverTheirLengths) {
  const auto members = static_cast<size_t>(GetParam());
  const auto groups = hostGroups(GetParam(), kSmallSlots);
  std::mt19937 random(5);
  for (const DType dtype : kAllDTypes) {
    for (const ReduceOp op : kAllOps) {
      if (!isDefined(dtype, op)) continue;
      std::vector<size_t> lengths;
      for (size_t i = 0; i < members; ++i) lengths.push_back(random() % 4 ? elementSize(dtype) * (random() % 900) : 0);
      const size_t count = std::accumulate(lengths.begin(), lengths.end(), size_t{0}) / elementSize(dtype);
      std::vector<Bytes> byMember;
      for (unsigned member = 0; member < members; ++member) byMember.push_back(smallElements(dtype, count, member));
      const Bytes expected = combineAll(dtype, op, byMember);
      onRanks(GetParam(), [&](int rank) {
        const auto at = static_cast<size_t>(rank);
        const auto slices = laidOut(byMember[at], lengths);
        const auto nothing = [] { return Status::okay(); };
        ASSERT_TRUE(isOk(reduceSlices(*groups[at], slices, {dtype, op, GetParam()}, kStallLimit, nothing)));
        const auto begin = static_cast<size_t>(slices[at].data() - byMember[at].data());
        EXPECT_TRUE(std::ranges::equal(slices[at], std::span(expected).subspan(begin, slices[at].size())))
            << nameOf(dtype, op);
      });
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Members, SlicesOf, testing::Values(2, 3, 4, 5));

}  // namespace
}  // namespace tsring
