#include "base/home_core.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>
#include <vector>

#include "test/helpers/waits.h"

namespace tsring {
namespace {

#ifdef __linux__

cpu_set_t allowedNow() {
  cpu_set_t allowed;
  EXPECT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
  return allowed;
}

cpu_set_t onlyOn(int processor) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(processor, &only);
  return only;
}

std::vector<int> processorsOf(const cpu_set_t& allowed) {
  std::vector<int> processors;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &allowed)) processors.push_back(i);
  }
  return processors;
}

// On a thread of its own, whose processors are nobody else's affair.
TEST(HomeCore, MovesTheThreadAndKeepsItNowhere) {
  std::jthread([] {
    const cpu_set_t before = allowedNow();
    for (const int home : processorsOf(before)) {
      HomeCore core(home);
      // What else runs on the machine may move it again before we look.
      const Deadline deadline = soon();
      bool seenThere = false;
      bool moved = ::sched_getcpu() == home;
      while (!(seenThere && moved) && !deadline.passed()) {
        moved |= core.goThere();
        seenThere = ::sched_getcpu() == home;
      }
      EXPECT_TRUE(seenThere && moved);
      const cpu_set_t after = allowedNow();
      EXPECT_TRUE(CPU_EQUAL(&before, &after));
    }
  });
}

TEST(HomeCore, DoesNotLeaveTheProcessorsThatTheThreadHas) {
  std::jthread([] {
    const auto processors = processorsOf(allowedNow());
    if (processors.size() < 2) GTEST_SKIP() << "needs two processors";
    const cpu_set_t last = onlyOn(processors.back());
    ASSERT_EQ(::sched_setaffinity(0, sizeof last, &last), 0);
    EXPECT_FALSE(HomeCore(processors.front()).goThere());
    EXPECT_EQ(::sched_getcpu(), processors.back());
    const cpu_set_t after = allowedNow();
    EXPECT_TRUE(CPU_EQUAL(&last, &after));
  });
}

#endif

}  // namespace
}  // namespace tsring
