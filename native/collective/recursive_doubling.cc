#include "collective/recursive_doubling.h"

#include "base/phase.h"
#include "collective/fold.h"
#include "kernel/reduce.h"

namespace tsring {

Status recursiveDoublingAllreduce(Mesh& mesh, const Team& team, std::span<std::byte> data, DType dtype, ReduceOp op,
                                  RingWorkspace& workspace, std::chrono::milliseconds stallLimit) {
  if (team.size() == 1 || data.empty()) return Status::okay();
  const PairLink link{mesh, workspace.arrived, stallLimit};
  const Reduction reduction{dtype, op, static_cast<int>(team.size())};
  const Fold fold(team);
  Phase phase("hand in");
  if (Status s = fold.handIn(link, data, reduction); !s.ok()) return s;
  if (!fold.sitsOut()) {
    const size_t seat = fold.seat();
    for (size_t distance = 1; distance < fold.seats(); distance *= 2) {
      phase.next("exchange and combine");
      const auto left = seat & distance ? OnTheLeft::kTheirs : OnTheLeft::kOurs;
      const int peer = fold.rankAt(seat ^ distance);
      if (Status s = exchangeAndCombine(link, peer, data, data, reduction, left); !s.ok()) return s;
    }
    if (op == ReduceOp::kAverage) divideBy(dtype, data.data(), data.size() / elementSize(dtype), reduction.divisor);
  }
  phase.next("hand back");
  return fold.handBack(link, data);
}

}  // namespace tsring
