#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/dtype.h"
#include "collective/strips.h"

namespace tsring {

using Shape = std::vector<int64_t>;
inline constexpr size_t kMaxDimensions = 32;

/// Elements of a tensor of `shape`; 1 for a scalar.
constexpr size_t elementCount(const Shape& shape) {
  size_t count = 1;
  for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
  return count;
}

/// What an operation does. The numbers are the wire's: never reorder.
enum class OperationKind : uint8_t {
  kAllreduce = 0,
  kAllgather = 1,
  kBroadcast = 2,
  kBarrier = 3,
  kReducescatter = 4,
  kAlltoall = 5,
  kJoin = 6,
  kRetune = 7  // from the first rank to all: what goes on from here on goes by another tuning
};
inline constexpr uint8_t kOperationKindCount = 8;

/// Whether elements are combined: these have an op, and factors to scale by.
constexpr bool reduces(OperationKind kind) {
  return kind == OperationKind::kAllreduce || kind == OperationKind::kReducescatter;
}

/// Whether the results have shapes of their own, so that the engine has to provide their memory.
constexpr bool providesOutputs(OperationKind kind) {
  return kind == OperationKind::kAllgather || kind == OperationKind::kReducescatter || kind == OperationKind::kAlltoall;
}

constexpr std::string_view operationName(OperationKind kind) {
  constexpr std::string_view kNames[] = {"allreduce",     "allgather", "broadcast", "barrier",
                                         "reducescatter", "alltoall",  "join",      "retune"};
  return kNames[static_cast<size_t>(kind)];
}

/// Whether it is worth remembering what ranks have agreed on, for the next time.
constexpr bool worthKnowing(OperationKind kind) {
  return kind != OperationKind::kBarrier && kind != OperationKind::kJoin && kind != OperationKind::kRetune;
}

/// Where an operation's tensors lie. kCudaOrHost: on the GPU, and they go through main memory where not all ranks can
/// do without. The numbers are the wire's: never reorder.
enum class MemoryKind : uint8_t { kHost = 0, kCuda = 1, kCudaOrHost = 2 };
inline constexpr uint8_t kMemoryKindCount = 3;

constexpr std::string_view memoryName(MemoryKind memory) {
  constexpr std::string_view kNames[] = {"host", "cuda", "cuda-or-host"};
  return kNames[static_cast<size_t>(memory)];
}

/// What is known of an operation before its tensors are.
struct RequestHeader {
  OperationKind kind = OperationKind::kBarrier;
  std::string name;
  DType dtype = DType::kFloat32;
  ReduceOp op = ReduceOp::kSum;      // where it reduces()
  int32_t rootRank = 0;              // broadcast only
  double prescale = 1;               // where it reduces(): what every element is multiplied by before
  double postscale = 1;              // and after
  std::vector<int64_t> splits = {};  // alltoall only: how many rows go to each rank
  /// kFloat16 or kBfloat16: the float32 of an allreduce travel, and are combined, as such; kInt8: they travel as blocks
  /// of 8-bit integers. Else as they are.
  DType payload = DType::kFloat32;
  MemoryKind memory = MemoryKind::kHost;
  // Of this rank alone, not sent with a request.
  std::chrono::milliseconds timeout{0};  // a deadline of its own; 0: the session's
  std::vector<std::string> labels = {};  // the variables' names, for messages; may be empty
  int32_t priority = 0;                  // of what is agreed on and waits, the largest goes first; rank 0's counts

  bool compresses() const { return payload != DType::kFloat32; }
  bool onDevice() const { return memory != MemoryKind::kHost; }
  bool mayGoByHost() const { return memory == MemoryKind::kCudaOrHost; }
};

/// All that ranks must agree on before data moves. A value; the tensors of one request are agreed on as a whole.
struct Request {
  RequestHeader header;
  std::vector<Shape> shapes;
};

/// For messages: `allreduce "dense/kernel"`.
std::string describe(const RequestHeader& header);
std::string describe(const Shape& shape);

/// Whether two requests are the same in all that is sent.
bool asksForTheSame(const Request& a, const Request& b);

/// The same shapes without rows; what a rank that has none brings to an allgather.
std::vector<Shape> withoutRows(std::vector<Shape> shapes);

void encode(const Request& request, ByteWriter& out);
/// False, and `request` undefined, when the bytes are not a request with extents in range.
bool decode(ByteReader& in, Request& request);

/// Where one tensor lies, on the GPU where the header says so. The engine reads `input` and never writes it: gradients
/// may alias each other.
struct TensorBuffer {
  const std::byte* input = nullptr;
  std::byte* output = nullptr;                 // null: the engine provides memory; equal to input: in place
  std::shared_ptr<const void> keep = nullptr;  // what must not go while the operation lasts
  /// In place of memory for results, for an allreduce in main memory that travels as it is: all tensors or none have
  /// it. Called on a thread of the engine's. After a failure some results have been taken.
  TakeResults take = nullptr;
};

}  // namespace tsring
