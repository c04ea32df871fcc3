#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "engine/messages.h"
#include "engine/response_cache.h"

namespace tsring {

/// Rank 0's word to all: puts the verdicts that came about together into frames; those on what is known take a number
/// each. Used by the control thread of rank 0.
class Announcer {
 public:
  struct Ways {
    std::function<void(FrameType type, const Bytes& payload)> sendToAll;
    std::function<void(Verdict verdict)> onVerdict;  // on rank 0 itself
    /// Whether a rank has asked for something of that name.
    std::function<bool(const std::string& name)> awaited;
  };

  Announcer(size_t cacheCapacity, size_t mostBytes, Ways ways)
      : cache_(cacheCapacity), mostBytes_(mostBytes), ways_(std::move(ways)) {}

  const ResponseCache& cache() const { return cache_; }

  /// A verdict, to be released with the others that came about.
  void add(Verdict verdict) { waiting_.push_back(std::move(verdict)); }

  /// Sends what waits.
  void release();

 private:
  void releaseInFull(Verdict verdict);
  void sendNumbers();
  bool awaited(const std::string& name) const;

  ResponseCache cache_;
  const size_t mostBytes_;  // of a frame
  const Ways ways_;
  std::vector<Verdict> waiting_;
  std::vector<Verdict> releasing_;
  size_t next_ = 0;                // of those
  std::vector<uint32_t> numbers_;  // to send
};

}  // namespace tsring
