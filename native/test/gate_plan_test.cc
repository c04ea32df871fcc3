#include "transport/tcp/gate_plan.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tsring {
namespace {

/// What all ranks of a plan do together, with the expression that each computes in place of data.
class Play {
 public:
  Play(size_t size, size_t cores) : next_(size), sent_(size) {
    for (size_t rank = 0; rank < size; ++rank) {
      plans_.push_back(combineByCores(rank, size, cores));
      values.push_back(std::string(1, static_cast<char>('a' + rank)));
    }
    // In each turn of all ranks a round of one at least is done, unless all are, or never will be.
    for (size_t turn = 0; turn < 4 * size; ++turn) {
      for (size_t rank = 0; rank < size; ++rank) {
        while (step(rank)) {
        }
      }
    }
  }

  bool over() const {
    for (size_t rank = 0; rank < plans_.size(); ++rank) {
      if (next_[rank] < plans_[rank].rounds.size()) return false;
    }
    return underWay_.empty();
  }

  std::vector<std::string> values;  // by rank
  size_t messages = 0;
  bool twiceOverOneLink = false;

 private:
  bool step(size_t rank) {
    if (next_[rank] == plans_[rank].rounds.size()) return false;
    const GateRound& round = plans_[rank].rounds[next_[rank]];
    if (round.to && !std::exchange(sent_[rank], 1)) {
      const std::pair link(rank, *round.to);
      twiceOverOneLink |= !used_.insert(link).second;
      underWay_[link] = values[rank];
      ++messages;
    }
    if (round.from) {
      const auto come = underWay_.find({*round.from, rank});
      if (come == underWay_.end()) return false;
      take(values[rank], come->second, round.taking);
      underWay_.erase(come);
    }
    sent_[rank] = 0;
    ++next_[rank];
    return true;
  }

  static void take(std::string& ours, const std::string& theirs, Taking taking) {
    EXPECT_NE(taking, Taking::kAppend);
    if (taking == Taking::kCombineRight) ours = "(" + ours + theirs + ")";
    if (taking == Taking::kCombineLeft) ours = "(" + theirs + ours + ")";
    if (taking == Taking::kInsteadOfOurs) ours = theirs;
  }

  std::vector<GatePlan> plans_;
  std::vector<size_t> next_;  // round of each rank
  std::vector<char> sent_;    // in this round
  std::map<std::pair<size_t, size_t>, std::string> underWay_;
  std::set<std::pair<size_t, size_t>> used_;
};

TEST(GatePlan, ByCoresGivesAllRanksOneExpressionOfAllInOrder) {
  for (size_t size = 1; size <= 16; ++size) {
    for (size_t cores = 1; cores <= size + 1; ++cores) {
      const Play play(size, cores);
      ASSERT_TRUE(play.over()) << size << " ranks, " << cores << " cores";
      EXPECT_FALSE(play.twiceOverOneLink);
      std::string letters;
      for (const char c : play.values.front()) {
        if (c >= 'a') letters += c;
      }
      EXPECT_EQ(letters, std::string("abcdefghijklmnop").substr(0, size));
      for (const std::string& value : play.values) EXPECT_EQ(value, play.values.front());
    }
  }
}

TEST(GatePlan, ByCoresTakesFewMessages) {
  for (size_t size = 2; size <= 16; ++size) {
    EXPECT_EQ(Play(size, 1).messages, 2 * (size - 1));
    EXPECT_EQ(Play(size, 2).messages, 2 * (size - 1));
  }
}

TEST(GatePlan, ByCoresKeepsNeighboursTogether) {
  EXPECT_EQ(Play(7, 2).values.front(), "((((ab)c)d)((ef)g))");
  EXPECT_EQ(Play(8, 4).values.front(), "(((ab)(cd))((ef)(gh)))");
}

}  // namespace
}  // namespace tsring
