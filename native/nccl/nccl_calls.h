#pragma once

#include <cstddef>
#include <span>

#include "base/dtype.h"
#include "collective/alltoall.h"
#include "nccl/nccl_api.h"

namespace tsring {

/// Where the calls of NCCL that a collective is made of go: to one communicator, on one stream. Each returns NCCL's
/// word; `size` and `index` are the number of ranks and our place among them.
struct NcclCalls {
  NcclResult allreduce(std::span<std::byte> data, DType dtype, ReduceOp op) const;
  NcclResult broadcast(std::span<std::byte> data, int root) const;
  NcclResult allgather(std::span<const std::span<std::byte>> blocks, size_t index) const;
  NcclResult reducescatter(std::span<const std::span<std::byte>> blocks, size_t index, DType dtype, ReduceOp op) const;
  NcclResult alltoall(std::span<const std::byte> from, std::span<std::byte> into, const PairSizes& sizes, size_t index,
                      size_t size) const;

  const NcclApi& api;
  NcclComm* comm;
  CudaStreamHandle* stream;
};

}  // namespace tsring
