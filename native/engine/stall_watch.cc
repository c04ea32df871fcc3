#include "engine/stall_watch.h"

#include <algorithm>
#include <iterator>

namespace tsring {
namespace {

// Operations that one line tells of.
constexpr size_t kMostTold = 5;

std::string namesOf(const std::vector<int>& ranks, const std::vector<std::string>& names) {
  std::string text;
  for (const int rank : ranks) text.append(text.empty() ? "" : ", ").append(names[static_cast<size_t>(rank)]);
  return text;
}

}  // namespace

void StallWatch::waits(int rank, const std::string& name, const std::string& what, Clock::time_point since) {
  byRank_[rank] = {name, what, since};
}

void StallWatch::waitsNoMore(int rank) {
  byRank_.erase(rank);
}

std::vector<Incomplete> StallWatch::newlyStalled(std::vector<Incomplete> coordinated, Clock::time_point now) {
  std::ranges::move(onTheShortWay(), std::back_inserter(coordinated));
  std::vector<Incomplete> stalled;
  std::set<std::string> still;
  for (Incomplete& each : coordinated) {
    if (after_.count() == 0 || now - each.begun < after_) continue;
    still.insert(each.name);
    if (!told_.contains(each.name)) stalled.push_back(std::move(each));
  }
  told_ = std::move(still);
  return stalled;
}

std::vector<Incomplete> StallWatch::onTheShortWay() const {
  std::map<std::string, Incomplete> byName;
  for (const auto& [rank, wait] : byRank_) {
    auto& entry = byName.try_emplace(wait.name, Incomplete{wait.what, wait.since, {}, {}, wait.name}).first->second;
    entry.begun = std::min(entry.begun, wait.since);
    entry.waiting.push_back(rank);
  }
  std::vector<Incomplete> all;
  for (auto& [name, entry] : byName) {
    for (size_t rank = 0; rank < size_; ++rank) {
      if (!std::ranges::count(entry.waiting, static_cast<int>(rank))) entry.missing.push_back(static_cast<int>(rank));
    }
    if (!entry.missing.empty()) all.push_back(std::move(entry));
  }
  return all;
}

std::string describe(const std::vector<Incomplete>& stalled, const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < std::min(stalled.size(), kMostTold); ++i) {
    const Incomplete& each = stalled[i];
    text.append(i ? "; " : "").append(each.what).append(": ").append(namesOf(each.missing, names));
    text.append(each.missing.size() == 1 ? " has" : " have").append(" not asked for it, ");
    text.append(namesOf(each.waiting, names)).append(each.waiting.size() == 1 ? " has" : " have");
  }
  if (stalled.size() > kMostTold) text.append("; and " + std::to_string(stalled.size() - kMostTold) + " more");
  return text;
}

}  // namespace tsring
