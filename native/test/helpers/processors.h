#pragma once

#include <gtest/gtest.h>

#ifdef __linux__

#include <sched.h>

#include <vector>

namespace tsring {

/// The processors that this thread may run on.
inline std::vector<int> processorsOfThisThread() {
  cpu_set_t allowed;
  EXPECT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
  std::vector<int> processors;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &allowed)) processors.push_back(i);
  }
  return processors;
}

/// Keeps this thread, and those that it starts, on these.
inline void keepOn(const std::vector<int>& processors) {
  cpu_set_t some;
  CPU_ZERO(&some);
  for (const int processor : processors) CPU_SET(processor, &some);
  ASSERT_EQ(::sched_setaffinity(0, sizeof some, &some), 0);
}

}  // namespace tsring

#endif
