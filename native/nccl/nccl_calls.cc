#include "nccl/nccl_calls.h"

#include <algorithm>

namespace tsring {
namespace {

NcclDType dtypeOf(DType dtype) {
  switch (dtype) {
    case DType::kInt8:
      return NcclDType::kInt8;
    case DType::kInt32:
      return NcclDType::kInt32;
    case DType::kInt64:
      return NcclDType::kInt64;
    case DType::kFloat16:
      return NcclDType::kFloat16;
    case DType::kFloat32:
      return NcclDType::kFloat32;
    case DType::kFloat64:
      return NcclDType::kFloat64;
    case DType::kBfloat16:
      return NcclDType::kBfloat16;
    case DType::kUint8:
    case DType::kBool:
    case DType::kInt16:  // these two are refused by checkCombines
    case DType::kUint16:
      return NcclDType::kUint8;
  }
  return NcclDType::kUint8;
}

/// An average is a sum whose elements NCCL multiplies by one part before, so that float16 stays in its range; that of
/// integers it divides after. Of bools, which are 0 or 1, "any" is the most and "all" is the least.
NcclOp opOf(DType dtype, ReduceOp op) {
  switch (op) {
    case ReduceOp::kAverage:
      return NcclOp::kAverage;
    case ReduceOp::kMin:
      return NcclOp::kMin;
    case ReduceOp::kMax:
      return NcclOp::kMax;
    case ReduceOp::kProduct:
      return dtype == DType::kBool ? NcclOp::kMin : NcclOp::kProduct;
    case ReduceOp::kSum:
    case ReduceOp::kAdasum:
      return dtype == DType::kBool ? NcclOp::kMax : NcclOp::kSum;
  }
  return NcclOp::kSum;
}

bool equallyLong(std::span<const std::span<std::byte>> blocks) {
  return std::ranges::all_of(blocks, [&](const auto& block) { return block.size() == blocks[0].size(); });
}

/// Whether they lie end to end.
bool inOneRun(std::span<const std::span<std::byte>> blocks) {
  for (size_t i = 1; i < blocks.size(); ++i) {
    if (blocks[i].data() != blocks[i - 1].data() + blocks[i - 1].size()) return false;
  }
  return true;
}

/// What `make` calls, in one launch.
template <typename Make>
NcclResult inOneLaunch(const NcclApi& api, Make make) {
  if (const NcclResult begun = api.GroupStart(); begun != kNcclSuccess) return begun;
  const NcclResult made = make();
  const NcclResult ended = api.GroupEnd();
  return made == kNcclSuccess ? ended : made;
}

/// Within a group nothing is under way before its end.
NcclResult inGroup(NcclResult result) {
  return result == kNcclInProgress ? kNcclSuccess : result;
}

}  // namespace

NcclResult NcclCalls::allreduce(std::span<std::byte> data, DType dtype, ReduceOp op) const {
  if (data.empty()) return kNcclSuccess;
  return api.AllReduce(data.data(), data.data(), data.size() / elementSize(dtype), dtypeOf(dtype), opOf(dtype, op),
                       comm, stream);
}

NcclResult NcclCalls::broadcast(std::span<std::byte> data, int root) const {
  if (data.empty()) return kNcclSuccess;
  return api.Broadcast(data.data(), data.data(), data.size(), NcclDType::kUint8, root, comm, stream);
}

// Blocks of different lengths: from each rank to all.
NcclResult NcclCalls::allgather(std::span<const std::span<std::byte>> blocks, size_t index) const {
  const auto own = blocks[index];
  if (equallyLong(blocks) && inOneRun(blocks)) {
    if (own.empty()) return kNcclSuccess;
    return api.AllGather(own.data(), blocks[0].data(), own.size(), NcclDType::kUint8, comm, stream);
  }
  return inOneLaunch(api, [&] {
    NcclResult result = kNcclSuccess;
    for (size_t rank = 0; rank < blocks.size() && result == kNcclSuccess; ++rank)
      result = inGroup(broadcast(blocks[rank], static_cast<int>(rank)));
    return result;
  });
}

NcclResult NcclCalls::reducescatter(std::span<const std::span<std::byte>> blocks, size_t index, DType dtype,
                                    ReduceOp op) const {
  const auto own = blocks[index];
  const size_t bytes = elementSize(dtype);
  if (equallyLong(blocks) && inOneRun(blocks)) {
    if (own.empty()) return kNcclSuccess;
    return api.ReduceScatter(blocks[0].data(), own.data(), own.size() / bytes, dtypeOf(dtype), opOf(dtype, op), comm,
                             stream);
  }
  return inOneLaunch(api, [&] {
    NcclResult result = kNcclSuccess;
    for (size_t rank = 0; rank < blocks.size() && result == kNcclSuccess; ++rank) {
      const auto block = blocks[rank];
      if (block.empty()) continue;
      result = inGroup(api.Reduce(block.data(), block.data(), block.size() / bytes, dtypeOf(dtype), opOf(dtype, op),
                                  static_cast<int>(rank), comm, stream));
    }
    return result;
  });
}

NcclResult NcclCalls::alltoall(std::span<const std::byte> from, std::span<std::byte> into, const PairSizes& sizes,
                               size_t index, size_t size) const {
  return inOneLaunch(api, [&] {
    NcclResult result = kNcclSuccess;
    size_t given = 0;
    size_t taken = 0;
    for (size_t peer = 0; peer < size && result == kNcclSuccess; ++peer) {
      const size_t give = sizes.of(index, peer);
      const size_t take = sizes.of(peer, index);
      const int rank = static_cast<int>(peer);
      if (give > 0) result = inGroup(api.Send(from.data() + given, give, NcclDType::kUint8, rank, comm, stream));
      if (take > 0 && result == kNcclSuccess)
        result = inGroup(api.Recv(into.data() + taken, take, NcclDType::kUint8, rank, comm, stream));
      given += give;
      taken += take;
    }
    return result;
  });
}

}  // namespace tsring
