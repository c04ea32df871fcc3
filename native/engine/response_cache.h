#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/negotiator.h"
#include "engine/request.h"

namespace tsring {

/// Rank 0's memory of what all ranks have agreed on: who asks for the same again does so by a number, and is answered
/// by it. The least recently used is forgotten when there is no room. (The idea is Horovod's. There every rank keeps
/// the order of use itself; here rank 0 alone decides, and says with a verdict what is kept and what is forgotten, so
/// that settings may differ.) Numbers are never used twice. Pure thinking; used by the control thread of rank 0.
class ResponseCache {
 public:
  /// Keeps at most `capacity`; 0 keeps none.
  explicit ResponseCache(size_t capacity) : capacity_(capacity) {}

  /// By what `rank` may ask for `request`; 0 where it must ask in full.
  uint32_t numberOf(int rank, const Request& request) const;
  /// What `rank` asks for by `number`; null where that has been forgotten, which the rank has not heard of yet.
  const Request* requestOf(int rank, uint32_t number) const;
  /// Whether anyone was ever told of it.
  bool issued(uint32_t number) const { return number != 0 && number <= latest_; }

  struct Kept {
    uint32_t number = 0;     // 0: not kept
    uint32_t forgotten = 0;  // to make room; 0: none
  };
  /// Keeps a good verdict on what all ranks have asked for, in place of an earlier one of its name. What is `awaited`
  /// is not forgotten: rank 0 has heard of someone who asks for it.
  Kept keep(const Verdict& verdict, std::vector<Request> byRank,
            const std::function<bool(const std::string& name)>& awaited);

  /// The verdict, which is now the most recently used. Only for what is kept.
  const Verdict& use(uint32_t number);

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    uint32_t number;
    Verdict verdict;
    std::vector<Request> byRank;  // one, where all are the same
  };
  using Place = std::list<Entry>::iterator;
  uint32_t makeRoom(const std::function<bool(const std::string& name)>& awaited);
  void forget(Place place);
  static const Request& of(const Entry& entry, int rank) {
    return entry.byRank.size() == 1 ? entry.byRank.front() : entry.byRank[static_cast<size_t>(rank)];
  }

  const size_t capacity_;
  uint32_t latest_ = 0;
  std::list<Entry> entries_;  // the most recently used first
  std::unordered_map<uint32_t, Place> byNumber_;
  std::unordered_map<std::string, Place> byName_;
};

}  // namespace tsring
