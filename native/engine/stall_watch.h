#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "engine/negotiator.h"

namespace tsring {

/// Rank 0's watch over operations that some ranks wait for and others do not come to (Horovod's stall inspector). It is
/// told of calls that wait on the short way, of which the negotiator does not know. Pure thinking, for the control
/// thread.
class StallWatch {
 public:
  /// `after` so long an operation counts as stalled; 0: none ever does.
  StallWatch(int size, std::chrono::milliseconds after) : size_(static_cast<size_t>(size)), after_(after) {}

  /// A rank waits on the short way, since `since`; it has told so before that was long enough to count.
  void waits(int rank, const std::string& name, const std::string& what, Clock::time_point since);
  void waitsNoMore(int rank);

  /// Of `coordinated` and of what waits on the short way: what has become stalled since the last call. Each is told
  /// once.
  std::vector<Incomplete> newlyStalled(std::vector<Incomplete> coordinated, Clock::time_point now);

 private:
  struct Wait {
    std::string name;
    std::string what;
    Clock::time_point since;
  };
  std::vector<Incomplete> onTheShortWay() const;

  const size_t size_;
  const std::chrono::milliseconds after_;
  std::map<int, Wait> byRank_;
  std::set<std::string> told_;
};

/// `allreduce "x": rank 1 has not asked for it, rank 0, rank 2 have`, at most five of them, with the ranks' `names`.
std::string describe(const std::vector<Incomplete>& stalled, const std::vector<std::string>& names);

}  // namespace tsring
