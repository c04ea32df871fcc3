#include "engine/response_cache.h"

#include <algorithm>
#include <iterator>

namespace tsring {

uint32_t ResponseCache::numberOf(int rank, const Request& request) const {
  const auto found = byName_.find(request.header.name);
  if (found == byName_.end()) return 0;
  const Entry& entry = *found->second;
  return asksForTheSame(of(entry, rank), request) ? entry.number : 0;
}

const Request* ResponseCache::requestOf(int rank, uint32_t number) const {
  const auto found = byNumber_.find(number);
  return found == byNumber_.end() ? nullptr : &of(*found->second, rank);
}

ResponseCache::Kept ResponseCache::keep(const Verdict& verdict, std::vector<Request> byRank,
                                        const std::function<bool(const std::string& name)>& awaited) {
  if (capacity_ == 0 || latest_ == UINT32_MAX) return {};
  if (const auto before = byName_.find(verdict.name); before != byName_.end()) forget(before->second);
  Kept kept;
  if (entries_.size() >= capacity_) {
    kept.forgotten = makeRoom(awaited);
    if (kept.forgotten == 0) return {};
  }
  const auto same = [&](const Request& request) { return asksForTheSame(request, byRank.front()); };
  if (std::ranges::all_of(byRank, same)) byRank.resize(1);
  kept.number = ++latest_;
  entries_.push_front({kept.number, verdict, std::move(byRank)});
  byNumber_[kept.number] = entries_.begin();
  byName_[verdict.name] = entries_.begin();
  return kept;
}

const Verdict& ResponseCache::use(uint32_t number) {
  const Place place = byNumber_.at(number);
  entries_.splice(entries_.begin(), entries_, place);
  return place->verdict;
}

// The number of what was forgotten, 0 where everything is awaited.
uint32_t ResponseCache::makeRoom(const std::function<bool(const std::string& name)>& awaited) {
  for (auto place = entries_.end(); place != entries_.begin();) {
    if (awaited((--place)->verdict.name)) continue;
    const uint32_t number = place->number;
    forget(place);
    return number;
  }
  return 0;
}

void ResponseCache::forget(Place place) {
  byNumber_.erase(place->number);
  byName_.erase(place->verdict.name);
  entries_.erase(place);
}

}  // namespace tsring
