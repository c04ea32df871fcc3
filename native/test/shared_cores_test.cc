#include "collective/shared_cores.h"

#include <sched.h>

#include "test/helpers/status_checks.h"
#include "test/helpers/waits.h"
#include "transport/memory/memory_network.h"

namespace tsring {
namespace {

#ifdef __linux__

/// What ranks find that may each run on the processor that `processorOf` says, by its place among those we may use.
template <typename ProcessorOf>
void expectShared(int ranks, size_t shared, ProcessorOf processorOf) {
  cpu_set_t allowed;
  ASSERT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
  std::vector<size_t> processors;
  for (size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) processors.push_back(cpu);
  }
  MemoryNetwork network(ranks);
  std::vector<std::unique_ptr<Mesh>> meshes;
  for (int rank = 0; rank < ranks; ++rank) meshes.push_back(network.join(rank));
  onRanks(ranks, [&](int rank) {  // threads of their own: the processors of this one stay
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(processors[processorOf(rank) % processors.size()], &own);
    ASSERT_EQ(::sched_setaffinity(0, sizeof own, &own), 0);
    const auto found = coresThatRanksShare(*meshes[static_cast<size_t>(rank)], milliseconds(20'000));
    ASSERT_TRUE(isOk(found));
    EXPECT_EQ(found.value(), shared);
  });
}

TEST(SharedCores, RanksOnOneProcessorShareIt) {
  expectShared(3, 1, [](int /*rank*/) { return size_t{0}; });
}

TEST(SharedCores, RanksWithAProcessorEachDoNot) {
  cpu_set_t allowed;
  ASSERT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
  if (CPU_COUNT(&allowed) < 2) GTEST_SKIP() << "needs two processors";
  expectShared(2, 0, [](int rank) { return static_cast<size_t>(rank); });
}

#endif

TEST(SharedCores, ARankThatIsGoneIsALostPeer) {
  MemoryNetwork network(2);
  network.join(0).reset();
  const auto one = network.join(1);
  EXPECT_TRUE(failsWith(StatusCode::kPeerLost, {"rank 0"}, coresThatRanksShare(*one, milliseconds(1000)).status()));
}

}  // namespace
}  // namespace tsring
