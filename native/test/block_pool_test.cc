#include "engine/block_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>

#include "test/helpers/waits.h"

namespace tsring {
namespace {

TEST(BlockPool, BlocksAreLargeEnoughAndAligned) {
  BlockPool pool;
  for (const size_t bytes : {0, 1, 63, 64, 65, 1000, 4097, 3'000'000}) {
    const auto block = pool.take(bytes);
    EXPECT_GE(block->bytes(), bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block->data()) % 64, 0u);
    std::memset(block->data(), 1, block->bytes());
  }
}

// A training step asks for the same sizes again and again.
TEST(BlockPool, AStepThatRepeatsGetsTheSameMemory) {
  BlockPool pool;
  const auto step = [&] {
    std::set<std::byte*> used;
    std::vector<std::shared_ptr<Block>> held;
    for (const size_t bytes : {5000, 70'000, 70'000, 300, 3'000'000}) {
      held.push_back(pool.take(bytes));
      used.insert(held.back()->data());
    }
    return used;
  };
  const auto first = step();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(step(), first);
}

TEST(BlockPool, ASmallRequestDoesNotTakeALargeBlock) {
  BlockPool pool;
  pool.take(64 << 20);
  EXPECT_LT(pool.take(1000)->bytes(), size_t{4} << 20);
}

TEST(BlockPool, SmallBlocksDoNotDriveOutALargeOne) {
  BlockPool pool;
  const std::byte* const large = pool.take(64 << 20)->data();
  for (int i = 0; i < 10; ++i) {
    pool.take(1000);
    EXPECT_EQ(pool.take(64 << 20)->data(), large);
  }
}

TEST(BlockPool, TrimmedItKeepsWhatIsInUseFromThenOn) {
  constexpr size_t kLarge = 64 << 20;
  BlockPool pool;
  const auto used = pool.take(1000);
  std::memset(used->data(), 7, used->bytes());
  pool.take(kLarge);
  pool.trim();
  EXPECT_EQ(used->data()[999], std::byte{7});
  const std::byte* const small = pool.take(3'000'000)->data();
  EXPECT_EQ(pool.take(3'000'000)->data(), small);
}

TEST(BlockPool, ABlockOutlivesItsPool) {
  std::shared_ptr<Block> block;
  {
    BlockPool pool;
    block = pool.take(1000);
  }
  std::memset(block->data(), 1, block->bytes());
}

TEST(BlockPool, NoTwoThreadsGetTheSameBlock) {
  BlockPool pool;
  onRanks(4, [&](int rank) {
    std::mt19937 random(static_cast<unsigned>(rank));
    for (int i = 0; i < 300; ++i) {
      const auto block = pool.take(random() % 20'000 + 1);
      std::memset(block->data(), rank, 1);
      const auto another = pool.take(100);
      std::memset(another->data(), -1, 1);
      ASSERT_EQ(static_cast<int>(block->data()[0]), rank);
    }
  });
}

}  // namespace
}  // namespace tsring
