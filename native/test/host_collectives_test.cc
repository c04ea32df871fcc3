#include "collective/host_collectives.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "test/helpers/elements.h"
#include "test/helpers/host_groups.h"

namespace tsring {
namespace {

using Groups = std::vector<std::unique_ptr<HostGroup>>;

constexpr HostWay kWays[] = {HostWay::kEveryone, HostWay::kParts};

/// Runs an allreduce on every member, in place in `byMember`.
void allreduce(const Groups& groups, HostWay way, std::vector<Bytes>& byMember, DType dtype, ReduceOp op) {
  onRanks(static_cast<int>(groups.size()), [&](int rank) {
    const auto at = static_cast<size_t>(rank);
    EXPECT_TRUE(isOk(hostAllreduce(*groups[at], way, byMember[at], dtype, op, kStallLimit)));
  });
}

void expectRightSums(const Groups& groups, DType dtype, ReduceOp op, size_t count) {
  std::vector<Bytes> input;
  for (unsigned member = 0; member < groups.size(); ++member) input.push_back(smallElements(dtype, count, member));
  const Bytes expected = combineAll(dtype, op, input);
  for (const HostWay way : kWays) {
    auto byMember = input;
    allreduce(groups, way, byMember, dtype, op);
    for (const Bytes& result : byMember) {
      ASSERT_TRUE(result == expected) << nameOf(dtype, op) << ", " << count << " elements, " << groups.size();
    }
  }
}

class HostOf : public testing::TestWithParam<int> {};

TEST_P(HostOf, AllreducesEverySize) {
  const Groups groups = hostGroups(GetParam(), kSmallSlots);
  for (const size_t count : {0, 1, 2, 7, 8, 9, 255, 256, 257, 1009, 4096, 4097, 5003}) {
    expectRightSums(groups, DType::kFloat32, ReduceOp::kSum, count);
  }
}

TEST_P(HostOf, AllreducesEveryTypeAndOperation) {
  const Groups groups = hostGroups(GetParam(), kSmallSlots);
  for (const DType dtype : kAllDTypes) {
    for (const ReduceOp op : kAllOps) {
      if (!isDefined(dtype, op)) continue;
      expectRightSums(groups, dtype, op, 101);
      expectRightSums(groups, dtype, op, (20 << 10) / elementSize(dtype) + 3);
    }
  }
}

// Floats whose sum depends on the order: the order must not depend on who comes when, nor on the way.
TEST_P(HostOf, LeavesTheSameBitsOnEveryMemberAndInEveryRun) {
  for (const size_t count : {1009, 6007}) {
    std::vector<Bytes> input;
    for (int member = 0; member < GetParam(); ++member) {
      std::mt19937 random(static_cast<unsigned>(member));
      std::normal_distribution<float> normal(0, 1);
      Bytes bytes(count * sizeof(float));
      for (size_t i = 0; i < count; ++i) reinterpret_cast<float*>(bytes.data())[i] = normal(random);
      input.push_back(std::move(bytes));
    }
    Bytes first;
    for (int run = 0; run < 4; ++run) {
      auto byMember = input;
      allreduce(hostGroups(GetParam(), kSmallSlots), kWays[run % 2], byMember, DType::kFloat32, ReduceOp::kAverage);
      if (run == 0) first = byMember.front();
      for (const Bytes& result : byMember) ASSERT_TRUE(result == first);
    }
  }
}

TEST_P(HostOf, GathersBlocksOfAnyLengthsAndBroadcastsFromEveryRoot) {
  const int size = GetParam();
  const Groups groups = hostGroups(size, kSmallSlots);
  std::mt19937 random(1);
  std::vector<Bytes> blocks;
  for (int member = 0; member < size; ++member) {
    blocks.push_back(randomBytes(random() % 3 ? random() % 5000 : 0, random()));
  }
  onRanks(size, [&](int rank) {
    const auto at = static_cast<size_t>(rank);
    std::vector<Bytes> mine;
    for (const Bytes& block : blocks) mine.emplace_back(block.size());
    mine[at] = blocks[at];
    const std::vector<std::span<std::byte>> spans(mine.begin(), mine.end());
    ASSERT_TRUE(isOk(hostAllgather(*groups[at], spans, kStallLimit)));
    EXPECT_TRUE(mine == blocks);
    for (size_t root = 0; root < blocks.size(); ++root) {
      Bytes bytes = root == at ? blocks[root] : Bytes(blocks[root].size());
      ASSERT_TRUE(isOk(hostBroadcast(*groups[at], bytes, root, kStallLimit)));
      EXPECT_TRUE(bytes == blocks[root]);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Members, HostOf, testing::Range(1, 10));

/// Members, and how many of them share a core.
class SharedCoresOf : public testing::TestWithParam<std::pair<int, size_t>> {
 protected:
  SharedCoresOf() : groups_(hostGroups(GetParam().first, kSmallSlots)) {
    for (const auto& group : groups_) group->shareCores(GetParam().second);
  }
  const Groups groups_;
};

TEST_P(SharedCoresOf, AllreducesEveryTypeOperationAndSize) {
  for (const DType dtype : kAllDTypes) {
    for (const ReduceOp op : kAllOps) {
      if (isDefined(dtype, op)) expectRightSums(groups_, dtype, op, (6 << 10) / elementSize(dtype) + 3);
    }
  }
  for (const size_t count : {1, 7, 256, 257, 1009}) expectRightSums(groups_, DType::kInt32, ReduceOp::kSum, count);
}

// 1 and many halves of what 1 can still tell: lost one by one, and kept together.
TEST_P(SharedCoresOf, CombinesThoseOfACoreFirstWhereAnOfferWouldNotHoldThem) {
  const auto [size, membersACore] = GetParam();
  float coresFirst = 0;
  for (size_t core = 0; core < static_cast<size_t>(size) / membersACore; ++core) {
    float sum = 0;
    for (size_t i = 0; i < membersACore; ++i) sum += core + i == 0 ? 1 : 0x1p-24F;
    coresFirst += sum;
  }
  ASSERT_GT(coresFirst, 1);
  constexpr size_t kMostOffered = kSmallSlots.offerBytes / sizeof(float);
  for (const size_t count : {kMostOffered, kMostOffered + 1}) {
    std::vector<Bytes> byMember;
    for (int member = 0; member < size; ++member) {
      const std::vector<float> values(count, member == 0 ? 1 : 0x1p-24F);
      const auto bytes = std::as_bytes(std::span(values));
      byMember.emplace_back(bytes.begin(), bytes.end());
    }
    allreduce(groups_, HostWay::kParts, byMember, DType::kFloat32, ReduceOp::kSum);
    const std::vector<float> expected(count, count > kMostOffered ? coresFirst : 1);
    const auto bytes = std::as_bytes(std::span(expected));
    for (const Bytes& result : byMember) EXPECT_TRUE(std::ranges::equal(result, bytes)) << count << " elements";
  }
}

TEST_P(SharedCoresOf, HandsResultsToWhoTakesThem) {
  constexpr size_t kCount = 3001;
  onRanks(GetParam().first, [&](int rank) {
    const std::vector<int32_t> input(kCount, rank + 1);
    std::vector<int32_t> taken(kCount);
    const TakeResults take = [&](size_t begin, std::span<const std::byte> results) {
      std::memcpy(std::as_writable_bytes(std::span(taken)).data() + begin, results.data(), results.size());
    };
    const auto bytes = std::as_bytes(std::span(input));
    const Strip strip{0, bytes.size(), bytes.data(), nullptr, &take};
    ASSERT_TRUE(isOk(hostAllreduce(*groups_[static_cast<size_t>(rank)], HostWay::kParts,
                                   Strips({&strip, 1}, bytes.size()), DType::kInt32, ReduceOp::kSum, kStallLimit)));
    const int32_t all = GetParam().first * (GetParam().first + 1) / 2;
    EXPECT_EQ(taken, std::vector<int32_t>(kCount, all));
  });
}

INSTANTIATE_TEST_SUITE_P(Members, SharedCoresOf,
                         testing::Values(std::pair{4, 2}, std::pair{6, 2}, std::pair{6, 3}, std::pair{8, 4}));

// No member runs ahead into memory that another still reads, whatever the sequence of operations.
TEST(HostCollectives, GoOnForManyRoundsOfAllKinds) {
  const Groups groups = hostGroups(3, kSmallSlots);
  onRanks(3, [&](int rank) {
    HostGroup& group = *groups[static_cast<size_t>(rank)];
    std::mt19937 same(7);
    for (int round = 0; round < 300; ++round) {
      const size_t count = same() % 2000;
      const auto root = static_cast<size_t>(same() % 3);
      std::vector<int32_t> values(count, rank + round);
      const auto bytes = std::as_writable_bytes(std::span(values));
      const bool reduces = same() % 2;
      ASSERT_TRUE(isOk(reduces
                           ? hostAllreduce(group, kWays[count % 2], bytes, DType::kInt32, ReduceOp::kSum, kStallLimit)
                           : hostBroadcast(group, bytes, root, kStallLimit)));
      const int32_t expected = reduces ? 3 * round + 3 : static_cast<int32_t>(root) + round;
      ASSERT_EQ(values, std::vector<int32_t>(count, expected)) << "round " << round;
    }
  });
}

TEST(HostCollectives, AMemberThatDoesNotComeIsATimeout) {
  const Groups groups = hostGroups(3, kSmallSlots);
  onRanks(2, [&](int rank) {
    Bytes bytes(40'000);
    const auto start = Clock::now();
    EXPECT_EQ(hostAllreduce(*groups[static_cast<size_t>(rank)], HostWay::kParts, bytes, DType::kFloat32, ReduceOp::kSum,
                            milliseconds(40))
                  .code(),
              StatusCode::kTimeout);
    EXPECT_LT(since(start), milliseconds(10'000));
  });
}

TEST(HostCollectives, AnInterruptEndsAMemberThatWaits) {
  const Groups groups = hostGroups(2, kSmallSlots);
  std::jthread interrupter([&] { groups[0]->interrupt(); });
  Bytes bytes(40'000);
  EXPECT_EQ(hostAllreduce(*groups[0], HostWay::kEveryone, bytes, DType::kFloat32, ReduceOp::kSum, kStallLimit).code(),
            StatusCode::kShutDown);
}

}  // namespace
}  // namespace tsring
