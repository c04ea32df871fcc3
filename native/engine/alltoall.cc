#include "engine/alltoall.h"

#include "engine/packing.h"
#include "engine/result_shapes.h"

namespace tsring {

Status alltoall(const Means& means, const Operation& operation, Outcome& outcome) {
  const Shape& shape = operation.request.shapes.front();
  const auto sizes = exchange(operation, means.backend.size(), means.backend.index(), outcome.shapes, outcome.splits);
  if (!sizes.ok()) return sizes.status();
  const size_t bytes = byteSize(operation.request, outcome.shapes.front());
  outcome.memory = means.pool.take(bytes);
  outcome.data.push_back(outcome.memory->data());
  return means.backend.alltoall({operation.tensors.front().input, byteSize(operation.request, shape)},
                                {outcome.data.front(), bytes}, sizes.value());
}

}  // namespace tsring
