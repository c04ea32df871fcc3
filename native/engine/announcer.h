#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "engine/messages.h"
#include "engine/response_cache.h"

namespace tsring {

/// Rank 0's word to all: puts the verdicts that came about together into frames; those on what is known take a number
/// each. Verdicts are carried out in the order in which they are sent, so what waits here can still be overtaken: from
/// the first operation with a priority on, all are sent in the order of priorities, and no more than rank 0 has work
/// for. Used by the control thread of rank 0.
class Announcer {
 public:
  struct Ways {
    std::function<void(FrameType type, const Bytes& payload)> sendToAll;
    std::function<void(Verdict verdict)> onVerdict;  // on rank 0 itself
    /// Whether a rank has asked for something of that name.
    std::function<bool(const std::string& name)> awaited;
    /// Operations that were agreed on and rank 0 has not carried out.
    std::function<size_t()> underWay;
  };
  /// As many are sent where there are priorities: one is carried out, the next one known to all.
  static constexpr size_t kAhead = 2;

  Announcer(size_t cacheCapacity, size_t mostBytes, Ways ways)
      : cache_(cacheCapacity), mostBytes_(mostBytes), ways_(std::move(ways)) {}

  const ResponseCache& cache() const { return cache_; }

  /// A verdict, to be released with the others that came about.
  void add(Verdict verdict);

  /// Sends what waits, but for what has to wait for its turn. Called again when an operation has been carried out.
  void release();
  /// Sends all that waits.
  void releaseAll();
  bool waits() const { return !waiting_.empty(); }

 private:
  void releaseFirst();
  void releaseInFull(Verdict verdict);
  void sendNumbers();
  bool awaited(const std::string& name) const;

  ResponseCache cache_;
  const size_t mostBytes_;  // of a frame
  const Ways ways_;
  std::deque<Verdict> waiting_;
  bool inTurn_ = false;            // there are priorities
  std::vector<uint32_t> numbers_;  // to send
};

}  // namespace tsring
