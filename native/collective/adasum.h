#pragma once

#include <chrono>
#include <span>

#include "base/dtype.h"
#include "base/status.h"
#include "collective/chunk.h"
#include "collective/ring.h"
#include "collective/team.h"
#include "transport/mesh.h"

namespace tsring {

/// Adasum (Maleki et al., Scaling Distributed Training with Adaptive Summation, MLSys 2021): gradients that point the
/// same way are averaged, those at right angles are added.
///
///     adasum(a, b) = (1 - a·b / 2a·a) a + (1 - a·b / 2b·b) b          a zero vector adds nothing
///
/// The paper's vector-halving distance-doubling: ranks pair up at distance 1, 2, 4, ...; each keeps half of what the
/// two hold, combines it, and goes on with that; then the way back. So ranks 0 and 1 are combined first, and 2 and 3,
/// then those results, and so on. A product such as a·b is over a whole tensor, of which the ranks that hold it each
/// have a part: they add their parts up before they combine. Products are summed in float64.
///
/// Ranks beyond a power of two are folded in first (fold.h): the pairs 0 and 1, 2 and 3, ... of the first ranks, as
/// many as there are ranks too many, are combined before all others.
///
/// `tensors` are runs of elements of `data`, in order; each is combined on its own, what lies between is undefined. The
/// same bits on every rank. 16- and 32-bit floats are combined in float32 and rounded once a step.
/// Fails with kPeerLost, or kTimeout when nothing moves for `stallLimit`.
Status adasumAllreduce(Mesh& mesh, const Team& team, std::span<std::byte> data, DType dtype,
                       std::span<const Range> tensors, RingWorkspace& workspace, std::chrono::milliseconds stallLimit);

}  // namespace tsring
