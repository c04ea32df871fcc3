#include "collective/halving_doubling.h"

#include <array>

#include "base/phase.h"
#include "collective/chunk.h"
#include "collective/fold.h"
#include "kernel/reduce.h"

namespace tsring {
namespace {

/// A rank's way through one step: what it stays in charge of, and what it leaves to `peer`. Elements.
struct Exchange {
  int peer;
  bool peerIsLower;
  Range kept;
  Range given;
};

constexpr size_t kMostSteps = 32;

}  // namespace

Status halvingDoublingAllreduce(Mesh& mesh, const Team& team, std::span<std::byte> data, DType dtype, ReduceOp op,
                                RingWorkspace& workspace, std::chrono::milliseconds stallLimit) {
  if (team.size() == 1 || data.empty()) return Status::okay();
  const size_t element = elementSize(dtype);
  const auto bytesOf = [&](Range elements) {
    return data.subspan(elements.begin * element, elements.size() * element);
  };
  const PairLink link{mesh, workspace.arrived, stallLimit};
  const Reduction reduction{dtype, op, static_cast<int>(team.size())};
  const Fold fold(team);
  Phase phase("hand in");
  if (Status s = fold.handIn(link, data, reduction); !s.ok()) return s;
  if (fold.sitsOut()) return fold.handBack(link, data);

  phase.next("halve");
  std::array<Exchange, kMostSteps> splits;
  size_t steps = 0;
  Range own{0, data.size() / element};
  for (size_t distance = 1; distance < fold.seats(); distance *= 2) {
    const size_t seat = fold.seat();
    const bool upper = (seat & distance) != 0;
    const size_t middle = own.begin + own.size() / 2;
    const Range low{own.begin, middle}, high{middle, own.end};
    const Exchange split{fold.rankAt(seat ^ distance), upper, upper ? high : low, upper ? low : high};
    const auto left = split.peerIsLower ? OnTheLeft::kTheirs : OnTheLeft::kOurs;
    if (Status s = exchangeAndCombine(link, split.peer, bytesOf(split.given), bytesOf(split.kept), reduction, left);
        !s.ok()) {
      return s;
    }
    own = split.kept;
    splits[steps++] = split;
  }
  if (op == ReduceOp::kAverage) divideBy(dtype, bytesOf(own).data(), own.size(), reduction.divisor);
  phase.next("double");
  while (steps > 0) {
    const Exchange& split = splits[--steps];
    if (Status s = exchange(link, split.peer, bytesOf(split.kept), bytesOf(split.given)); !s.ok()) return s;
  }
  phase.next("hand back");
  return fold.handBack(link, data);
}

}  // namespace tsring
