#pragma once

#include <vector>

#include "collective/alltoall.h"
#include "collective/chunk.h"
#include "engine/pending_table.h"

namespace tsring {

// Where results have shapes of their own: what the ranks bring to an operation decides them. `shapes` are those of our
// tensors, and become those of the results.

/// Of an allgather: each rank's rows, one below the other. A scalar counts as one row. Returns, for each tensor, the
/// bytes that each rank brings.
std::vector<std::vector<size_t>> gather(const Operation& operation, std::vector<Shape>& shapes);

/// Of an alltoall: the rows that all ranks have for `own`, whose numbers go into `splits`. Fails with kInternal where
/// the ranks' splits are not those of a ring of so many.
Result<PairSizes> exchange(const Operation& operation, size_t ranks, size_t own, std::vector<Shape>& shapes,
                           std::vector<int64_t>& splits);

/// Of a reducescatter: the rows that `rank` keeps of one tensor, as bytes.
Range keptRows(const Request& request, size_t tensor, size_t ranks, size_t rank);

}  // namespace tsring
