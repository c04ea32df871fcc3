#include "base/home_core.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>
#include <vector>

#include "test/helpers/processors.h"
#include "test/helpers/waits.h"

namespace tsring {
namespace {

#ifdef __linux__

// On a thread of its own, whose processors are nobody else's affair.
TEST(HomeCore, MovesTheThreadAndKeepsItNowhere) {
  std::jthread([] {
    const auto before = processorsOfThisThread();
    for (const int home : before) {
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
      EXPECT_EQ(processorsOfThisThread(), before);
    }
  });
}

TEST(HomeCore, DoesNotLeaveTheProcessorsThatTheThreadHas) {
  std::jthread([] {
    const auto processors = processorsOfThisThread();
    if (processors.size() < 2) GTEST_SKIP() << "needs two processors";
    keepOn({processors.back()});
    EXPECT_FALSE(HomeCore(processors.front()).goThere());
    EXPECT_EQ(::sched_getcpu(), processors.back());
    EXPECT_EQ(processorsOfThisThread(), std::vector{processors.back()});
  });
}

#endif

}  // namespace
}  // namespace tsring
