#include "transport/shm/share_host.h"

#include <cstring>

#include "test/helpers/host_groups.h"

namespace tsring {
namespace {

constexpr HostLayout kSharedLayout{.slotBytes = 1024, .offerBytes = 256};

TEST(SharedMemory, IsTheSameForWhoeverOpensIt) {
  const auto made = SharedMemory::create(10'000);
  ASSERT_TRUE(isOk(made));
  const auto opened = SharedMemory::open(::getpid(), made.value().fd(), 10'000);
  ASSERT_TRUE(isOk(opened));
  const auto mine = made.value().bytes();
  const auto theirs = opened.value().bytes();
  ASSERT_NE(mine.data(), theirs.data());
  EXPECT_EQ(mine[9'999], std::byte{0});
  mine[9'999] = std::byte{7};
  EXPECT_EQ(theirs[9'999], std::byte{7});
}

TEST(SharedMemory, RefusesADescriptorThatIsNotThereOrNotOfThatSize) {
  EXPECT_EQ(SharedMemory::open(::getpid(), 9'999, 100).status().code(), StatusCode::kUnsupported);
  const auto made = SharedMemory::create(10'000);
  ASSERT_TRUE(isOk(made));
  EXPECT_TRUE(failsWith(StatusCode::kUnsupported, {"not the memory"},
                        SharedMemory::open(::getpid(), made.value().fd(), 5'000).status()));
}

TEST(ShareHost, GivesEveryMemberAPlaceThatAllSee) {
  const auto groups = hostGroups(4, kSharedLayout);
  for (size_t member = 0; member < 4; ++member) {
    ASSERT_EQ(groups[member]->index(), member);
    std::memset(groups[member]->slot(member, 3), static_cast<int>(member + 1), kSharedLayout.slotBytes);
  }
  for (const auto& group : groups) {
    for (size_t member = 0; member < 4; ++member) {
      EXPECT_EQ(*group->slot(member, 3), static_cast<std::byte>(member + 1));
      EXPECT_EQ(group->slot(member, 3)[kSharedLayout.slotBytes - 1], static_cast<std::byte>(member + 1));
      EXPECT_EQ(*group->slot(member, 2), std::byte{0});
    }
  }
}

// Another version of the layout, or a rank that has no memory: all fall back together.
TEST(ShareHost, OneThatCannotKeepsAllFromIt) {
  MemoryNetwork network(3);
  onRanks(3, [&](int rank) {
    const auto mesh = network.join(rank);
    const int members[] = {0, 1, 2};
    const HostLayout layout{.slotBytes = rank == 1 ? size_t{2048} : size_t{1024}, .offerBytes = 256};
    EXPECT_EQ(shareHost(*mesh, members, layout, soon()).status().code(), StatusCode::kUnsupported) << rank;
  });
}

TEST(ShareHost, AMemberThatIsGoneIsALostPeer) {
  MemoryNetwork network(2);
  network.join(1).reset();
  const auto mesh = network.join(0);
  const int members[] = {0, 1};
  EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"rank 1"}, shareHost(*mesh, members, kSharedLayout, soon()).status()));
}

TEST(HostGroup, AWaitEndsWhenAllHaveArrivedAtTheDeadlineOrWhenInterrupted) {
  const auto groups = hostGroups(2, kSharedLayout);
  const uint32_t point = groups[0]->arrive();
  const auto start = Clock::now();
  EXPECT_EQ(groups[0]->awaitAll(point, Deadline::in(milliseconds(30))).code(), StatusCode::kTimeout);
  EXPECT_GE(since(start), milliseconds(30));
  {
    std::jthread late([&] { groups[1]->arrive(); });
    EXPECT_TRUE(isOk(groups[0]->awaitAll(point, soon())));
  }
  const uint32_t next = groups[0]->arrive();
  std::jthread interrupter([&] { groups[0]->interrupt(); });
  EXPECT_EQ(groups[0]->awaitAll(next, soon()).code(), StatusCode::kShutDown);
}

}  // namespace
}  // namespace tsring
