#include "collective/pairwise.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "kernel/reduce.h"

namespace tsring {
namespace {

// Of the order of a core's own cache: combined while still warm, and large enough that calls cost little.
constexpr size_t kPieceBytes = 256 << 10;

/// What comes, put where it belongs.
class Placing {
 public:
  explicit Placing(std::span<std::byte> into) : into_(into) {}

  bool done() const { return into_.empty(); }
  bool wants() const { return !done(); }
  /// Adds what came to `moved`. `allowed` counts from the start: nothing after it may be overwritten yet.
  Status advance(Mesh& mesh, int peer, size_t /*allowed*/, size_t& moved) {
    const auto got = mesh.tryReceive(peer, into_.first(std::min(into_.size(), kPieceBytes)));
    if (!got.ok()) return got.status();
    into_ = into_.subspan(got.value());
    moved += got.value();
    return Status::okay();
  }

 private:
  std::span<std::byte> into_;
};

/// What comes, combined with what is there.
class Combining {
 public:
  Combining(std::span<std::byte> into, const Reduction& reduction, OnTheLeft left, std::span<std::byte> arrived)
      : into_(into), reduction_(reduction), left_(left), arrived_(arrived) {}

  bool done() const { return placed_ == into_.size(); }
  bool wants() const { return !room().empty(); }
  Status advance(Mesh& mesh, int peer, size_t allowed, size_t& moved) {
    if (const auto target = room(); !target.empty()) {
      const auto got = mesh.tryReceive(peer, target);
      if (!got.ok()) return got.status();
      waiting_ += got.value();
      moved += got.value();
    }
    combineWaiting(allowed);
    return Status::okay();
  }

 private:
  std::span<std::byte> room() const {
    return arrived_.first(std::min(arrived_.size(), into_.size() - placed_)).subspan(waiting_);
  }
  void combineWaiting(size_t allowed) {
    const size_t element = elementSize(reduction_.dtype);
    const size_t count = std::min(waiting_, std::max(allowed, placed_) - placed_) / element;
    if (count == 0) return;
    std::byte* const ours = into_.data() + placed_;
    const std::byte* const theirs = arrived_.data();
    if (left_ == OnTheLeft::kOurs) {
      combine(reduction_.op, reduction_.dtype, ours, ours, theirs, count);
    } else {
      combine(reduction_.op, reduction_.dtype, ours, theirs, ours, count);
    }
    placed_ += count * element;
    waiting_ -= count * element;
    std::memmove(arrived_.data(), arrived_.data() + count * element, waiting_);
  }

  const std::span<std::byte> into_;
  const Reduction& reduction_;
  const OnTheLeft left_;
  const std::span<std::byte> arrived_;
  size_t waiting_ = 0;  // bytes at the front of arrived_: part of an element, or what may not be placed yet
  size_t placed_ = 0;
};

Status stalled(const Mesh& mesh, int peer, std::chrono::milliseconds limit) {
  return Status(StatusCode::kTimeout, "no data moved between rank " + std::to_string(mesh.rank()) + " and rank " +
                                          std::to_string(peer) + " for " + std::to_string(limit.count()) + " ms");
}

template <typename Taking>
Status move(const PairLink& link, int peer, std::span<const std::byte> give, bool inPlace, Taking taking) {
  size_t sent = 0;
  while (sent < give.size() || !taking.done()) {
    size_t moved = 0;
    if (sent < give.size()) {
      const auto some = link.mesh.trySend(peer, give.subspan(sent, std::min(give.size() - sent, kPieceBytes)));
      if (!some.ok()) return some.status();
      sent += some.value();
      moved += some.value();
    }
    if (!taking.done()) {
      const size_t allowed = inPlace ? sent : std::numeric_limits<size_t>::max();
      if (Status s = taking.advance(link.mesh, peer, allowed, moved); !s.ok()) return s;
    }
    if (moved > 0) continue;
    if (sent == give.size() && taking.done()) break;
    const Interest interest[] = {{peer, sent < give.size(), taking.wants()}};
    if (Status s = link.mesh.wait(interest, Deadline::in(link.stallLimit)); !s.ok()) {
      return s.code() == StatusCode::kTimeout ? stalled(link.mesh, peer, link.stallLimit) : s;
    }
  }
  return Status::okay();
}

}  // namespace

Status exchange(const PairLink& link, int peer, std::span<const std::byte> give, std::span<std::byte> take) {
  return move(link, peer, give, false, Placing(take));
}

// In place this cannot come to a standstill: a rank reads up to arrived.size() bytes ahead of what it has sent, so each
// of two ranks that are both stuck would have to be further ahead in sending than the other.
Status exchangeAndCombine(const PairLink& link, int peer, std::span<const std::byte> give, std::span<std::byte> into,
                          const Reduction& reduction, OnTheLeft left) {
  const bool inPlace = give.data() == into.data() && give.size() == into.size();
  return move(link, peer, give, inPlace, Combining(into, reduction, left, link.arrived));
}

}  // namespace tsring
