#include "engine/result_shapes.h"

#include <algorithm>

#include "engine/packing.h"

namespace tsring {

std::vector<std::vector<size_t>> gather(const Operation& operation, std::vector<Shape>& shapes) {
  std::vector<std::vector<size_t>> bytes(shapes.size());
  for (size_t i = 0; i < shapes.size(); ++i) {
    Shape& shape = shapes[i];
    if (shape.empty()) shape.push_back(1);
    shape[0] = 0;
    for (const auto& ofRank : operation.shapesByRank) {
      shape[0] += ofRank[i].empty() ? 1 : ofRank[i][0];
      bytes[i].push_back(byteSize(operation.request, ofRank[i]));
    }
  }
  return bytes;
}

Result<PairSizes> exchange(const Operation& operation, size_t ranks, size_t own, std::vector<Shape>& shapes,
                           std::vector<int64_t>& splits) {
  const auto& byRank = operation.splitsByRank;
  const Shape& shape = operation.request.shapes.front();
  const size_t rowBytes = elementCount({shape.begin() + 1, shape.end()}) * elementSize(operation.request.header.dtype);
  if (byRank.size() != ranks || std::ranges::any_of(byRank, [&](const auto& rows) { return rows.size() != ranks; })) {
    return Status(StatusCode::kInternal, "the splits of an alltoall are not those of this ring");
  }
  PairSizes sizes(ranks);
  for (size_t from = 0; from < ranks; ++from) {
    for (size_t to = 0; to < ranks; ++to) sizes.of(from, to) = static_cast<size_t>(byRank[from][to]) * rowBytes;
  }
  shapes.front()[0] = 0;
  for (const auto& rows : byRank) {
    splits.push_back(rows[own]);
    shapes.front()[0] += rows[own];
  }
  return sizes;
}

Range keptRows(const Request& request, size_t tensor, size_t ranks, size_t rank) {
  const Shape& shape = request.shapes[tensor];
  const size_t bytes = elementCount({shape.begin() + 1, shape.end()}) * elementSize(request.header.dtype);
  const Range rows = chunk(static_cast<size_t>(shape[0]), ranks, rank);
  return {rows.begin * bytes, rows.end * bytes};
}

}  // namespace tsring
