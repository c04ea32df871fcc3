#include "engine/alltoall.h"

#include <algorithm>

#include "engine/packing.h"

namespace tsring {

Status alltoall(const Means& means, const Operation& operation, Outcome& outcome) {
  const size_t own = means.backend.index();
  const auto& splits = operation.splitsByRank;
  const Shape& shape = operation.request.shapes.front();
  const size_t rowBytes = elementCount({shape.begin() + 1, shape.end()}) * elementSize(operation.request.header.dtype);
  PairSizes sizes(means.backend.size());
  if (splits.size() != sizes.ranks() ||
      std::ranges::any_of(splits, [&](const auto& rows) { return rows.size() != sizes.ranks(); })) {
    return Status(StatusCode::kInternal, "the splits of an alltoall are not those of this ring");
  }
  for (size_t from = 0; from < sizes.ranks(); ++from) {
    for (size_t to = 0; to < sizes.ranks(); ++to) sizes.of(from, to) = static_cast<size_t>(splits[from][to]) * rowBytes;
  }
  Shape& result = outcome.shapes.front();
  result[0] = 0;
  for (const auto& rows : splits) {
    outcome.splits.push_back(rows[own]);
    result[0] += rows[own];
  }
  const size_t bytes = byteSize(operation.request, result);
  outcome.memory = means.pool.take(bytes);
  outcome.data.push_back(outcome.memory->data());
  return means.backend.alltoall({operation.tensors.front().input, byteSize(operation.request, shape)},
                                {outcome.data.front(), bytes}, sizes);
}

}  // namespace tsring
