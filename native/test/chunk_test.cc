#include "collective/chunk.h"

#include <gtest/gtest.h>

namespace tsring {
namespace {

TEST(Chunk, CutsEverythingOnceIntoRunsThatDifferByAtMostOne) {
  for (size_t parts = 1; parts <= 17; ++parts) {
    for (const size_t count : {0, 1, 2, 3, 16, 17, 18, 97, 1000, 1001}) {
      size_t at = 0;
      for (size_t i = 0; i < parts; ++i) {
        const Range range = chunk(count, parts, i);
        ASSERT_EQ(range.begin, at);
        ASSERT_GE(range.size(), count / parts);
        ASSERT_LE(range.size(), count / parts + 1);
        at = range.end;
      }
      ASSERT_EQ(at, count);
    }
  }
}

TEST(Chunk, HoldsForCountsBeyond32Bits) {
  const size_t count = (size_t{1} << 40) + 3;
  EXPECT_EQ(chunk(count, 7, 6).end, count);
  EXPECT_EQ(chunk(count, 7, 0).begin, 0u);
}

}  // namespace
}  // namespace tsring
