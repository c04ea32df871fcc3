#include "engine/request.h"

#include <bit>
#include <tuple>

namespace tsring {

std::string describe(const RequestHeader& header) {
  return std::string(operationName(header.kind)).append(" \"").append(header.name).append("\"");
}

std::string describe(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text.append(i ? "," : "").append(std::to_string(shape[i]));
  return text.append("]");
}

bool asksForTheSame(const Request& a, const Request& b) {
  const auto sent = [](const RequestHeader& header) {
    return std::tie(header.kind, header.dtype, header.op, header.payload, header.memory, header.rootRank,
                    header.prescale, header.postscale, header.splits, header.name);
  };
  return sent(a.header) == sent(b.header) && a.shapes == b.shapes;
}

std::vector<Shape> withoutRows(std::vector<Shape> shapes) {
  for (Shape& shape : shapes) {
    if (shape.empty()) shape.push_back(0);
    shape[0] = 0;
  }
  return shapes;
}

void encode(const Request& request, ByteWriter& out) {
  const RequestHeader& header = request.header;
  out.put(static_cast<uint8_t>(header.kind))
      .put(static_cast<uint8_t>(header.dtype))
      .put(static_cast<uint8_t>(header.op))
      .put(static_cast<uint8_t>(header.payload))
      .put(static_cast<uint8_t>(header.memory));
  out.put(header.rootRank);
  out.put(std::bit_cast<uint64_t>(header.prescale)).put(std::bit_cast<uint64_t>(header.postscale));
  out.put(static_cast<uint32_t>(header.splits.size()));
  for (const int64_t rows : header.splits) out.put(rows);
  out.putString(header.name);
  out.put(static_cast<uint32_t>(request.shapes.size()));
  for (const Shape& shape : request.shapes) {
    out.put(static_cast<uint8_t>(shape.size()));
    for (const int64_t extent : shape) out.put(extent);
  }
}

bool decode(ByteReader& in, Request& request) {
  const auto kind = in.get<uint8_t>();
  const auto dtype = in.get<uint8_t>();
  const auto op = in.get<uint8_t>();
  const auto payload = in.get<uint8_t>();
  const auto memory = in.get<uint8_t>();
  if (kind >= kOperationKindCount || dtype >= kDTypeCount || op >= kReduceOpCount) return false;
  if (payload >= kDTypeCount || memory >= kMemoryKindCount) return false;
  request.header.kind = static_cast<OperationKind>(kind);
  request.header.dtype = static_cast<DType>(dtype);
  request.header.op = static_cast<ReduceOp>(op);
  request.header.payload = static_cast<DType>(payload);
  request.header.memory = static_cast<MemoryKind>(memory);
  request.header.rootRank = in.get<int32_t>();
  request.header.prescale = std::bit_cast<double>(in.get<uint64_t>());
  request.header.postscale = std::bit_cast<double>(in.get<uint64_t>());
  const auto splits = in.get<uint32_t>();
  if (splits > in.left() / sizeof(int64_t)) return false;
  request.header.splits.assign(splits, 0);
  for (int64_t& rows : request.header.splits) {
    rows = in.get<int64_t>();
    if (rows < 0) return false;
  }
  request.header.name = in.string();
  const auto tensors = in.get<uint32_t>();
  if (tensors > in.left()) return false;  // each takes a byte at least
  request.shapes.assign(tensors, {});
  for (Shape& shape : request.shapes) {
    const auto dimensions = in.get<uint8_t>();
    if (dimensions > kMaxDimensions) return false;
    shape.resize(dimensions);
    for (int64_t& extent : shape) {
      extent = in.get<int64_t>();
      if (extent < 0) return false;
    }
  }
  return in.ok();
}

}  // namespace tsring
