#include "nccl/nccl_backend.h"

#include <algorithm>
#include <bit>

#include "nccl/foreign_memory.h"

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

}  // namespace

NcclBackend::NcclBackend(CollectiveBackend& meet, GpuChoice choice, std::vector<std::string> names,
                         std::chrono::milliseconds timeout)
    : NcclBackend(meet, std::move(choice), std::move(names), timeout,
                  Team::whole(static_cast<int>(meet.index()), static_cast<int>(meet.size()))) {}

NcclBackend::NcclBackend(CollectiveBackend& meet, GpuChoice choice, std::vector<std::string> names,
                         std::chrono::milliseconds timeout, Team group)
    : meet_(meet), choice_(std::move(choice)), names_(std::move(names)), timeout_(timeout), group_(std::move(group)) {}

Status NcclBackend::prepare() {
  if (using_) return Status::okay();
  auto met =
      meetGpus(meet_, choice_, names_, group_.ranks.front(), [this](const auto& device) { return getReady(device); });
  if (!met.ok()) return met.status();
  api_ = met.value().nccl;
  device_ = met.value().device;
  const CudaDevice::Use use(*device_);
  if (!use.status().ok()) return use.status();
  NcclCommunicator* communicator = nullptr;
  {
    MutexLock lock(mutex_);
    if (interrupted_) return Status(StatusCode::kPeerLost, "the ring broke while its GPUs were being linked up");
    communicator_ = std::make_unique<NcclCommunicator>();
    communicator = communicator_.get();
  }
  const Status linked = communicator->connect(*api_, device_, met.value().id, static_cast<int>(size()),
                                              static_cast<int>(index()), Deadline::in(timeout_));
  if (!linked.ok()) return linked.withPrefix("the GPUs cannot be linked up: ");
  using_ = communicator;
  return Status::okay();
}

/// What may fail for us alone, before the others count on us.
Status NcclBackend::getReady(const std::shared_ptr<CudaDevice>& device) {
  const CudaDevice::Use use(*device);
  if (!use.status().ok()) return use.status();
  auto stream = CudaStream::create(device);
  if (!stream.ok()) return stream.status();
  stream_ = std::move(stream).value();
  auto kernels = DeviceKernels::load(device);
  if (!kernels.ok()) return kernels.status();
  kernels_ = std::move(kernels).value();
  return Status::okay();
}

Status NcclBackend::checkCombines(DType dtype, ReduceOp op) const {
  if (op == ReduceOp::kAdasum)
    return Status(StatusCode::kUnsupported, "GPUs have no adasum; copy the values to the host");
  if (dtype != DType::kInt16 && dtype != DType::kUint16) return Status::okay();
  return Status(StatusCode::kUnsupported, "NCCL combines no " + std::string(dtypeName(dtype)) + "; int32 goes");
}

Result<std::shared_ptr<std::byte>> NcclBackend::allocate(size_t bytes) {
  auto memory = DeviceMemory::allocate(device_, std::max<size_t>(bytes, 1));  // an address also for nothing
  if (!memory.ok()) return memory.status();
  std::byte* const data = memory.value()->data();
  return std::shared_ptr<std::byte>(std::move(memory).value(), data);
}

Result<std::byte*> NcclBackend::fusionBuffer(size_t bytes) {
  if (fusion_ && fusion_->bytes() >= bytes) return fusion_->data();
  fusion_ = nullptr;
  auto memory = DeviceMemory::allocate(device_, std::bit_ceil(std::max<size_t>(bytes, 1)));
  if (!memory.ok()) return memory.status();
  fusion_ = std::move(memory).value();
  return fusion_->data();
}

Status NcclBackend::fetch(std::span<std::byte> to, std::span<const std::byte> from) {
  const auto memory = onOurGpu(from.data(), from.size());
  return memory.ok() ? memory.value()->read(0, to, Deadline::in(timeout_)) : memory.status();
}

Status NcclBackend::store(std::span<std::byte> to, std::span<const std::byte> from) {
  const auto memory = onOurGpu(to.data(), to.size());
  return memory.ok() ? memory.value()->write(0, from, Deadline::in(timeout_)) : memory.status();
}

Result<std::shared_ptr<DeviceMemory>> NcclBackend::onOurGpu(const std::byte* data, size_t bytes) {
  if (!unlinked_) unlinked_ = device_;
  if (!unlinked_) {
    auto opened = openGpu(choice_.device);
    // Of ours alone: not what all ranks would come to.
    if (!opened.ok()) return Status(StatusCode::kInternal, std::string(opened.status().message()));
    unlinked_ = std::move(opened).value();
  }
  return DeviceMemory::borrow(unlinked_, const_cast<std::byte*>(data), bytes);
}

Status NcclBackend::copy(std::span<const DeviceCopy> copies, DType from, DType to, double factor) {
  const CudaDevice::Use use(*device_);
  if (!use.status().ok()) return use.status();
  return kernels_->copy(*stream_, copies, from, to, factor);
}

Status NcclBackend::toHost(std::span<std::byte> to, std::span<const std::byte> from) {
  if (from.empty()) return Status::okay();
  const CudaDevice::Use use(*device_);
  if (!use.status().ok()) return use.status();
  const auto address = std::bit_cast<CudaAddress>(from.data());
  const CudaApi& api = device_->api();
  return api.check(api.MemcpyDtoHAsync_v2(to.data(), address, from.size(), stream_->handle()), "cuMemcpyDtoHAsync");
}

Status NcclBackend::toDevice(std::span<std::byte> to, std::span<const std::byte> from) {
  if (from.empty()) return Status::okay();
  const CudaDevice::Use use(*device_);
  if (!use.status().ok()) return use.status();
  const auto address = std::bit_cast<CudaAddress>(to.data());
  const CudaApi& api = device_->api();
  return api.check(api.MemcpyHtoDAsync_v2(address, from.data(), from.size(), stream_->handle()), "cuMemcpyHtoDAsync");
}

bool NcclBackend::awaitRest(Deadline deadline) {
  if (!stream_) return true;
  const CudaDevice::Use use(*device_);
  return use.status().ok() && stream_->finish(deadline).ok();
}

Status NcclBackend::finish() {
  const CudaDevice::Use use(*device_);
  if (!use.status().ok()) return use.status();
  return using_->finish(*stream_, Deadline::in(timeout_));
}

void NcclBackend::interrupt() {
  MutexLock lock(mutex_);
  interrupted_ = true;
  if (communicator_) communicator_->interrupt();
}

void NcclBackend::close() {
  std::unique_ptr<NcclCommunicator> leaving;  // declared first, so gone last: an interrupt must not wait for its end
  const MutexLock lock(mutex_);
  leaving = std::move(communicator_);
  using_ = nullptr;
}

Status NcclBackend::allreduce(std::span<std::byte> data, DType dtype, ReduceOp op) {
  if (data.empty()) return Status::okay();
  return call("ncclAllReduce", [&](NcclComm* comm) {
    return api_->AllReduce(data.data(), data.data(), data.size() / elementSize(dtype), dtypeOf(dtype), opOf(dtype, op),
                           comm, stream_->handle());
  });
}

// Blocks of different lengths: from each rank to all, in one launch.
Status NcclBackend::allgather(std::span<const std::span<std::byte>> blocks) {
  const auto own = blocks[index()];
  if (equallyLong(blocks) && inOneRun(blocks)) {
    if (own.empty()) return Status::okay();
    return call("ncclAllGather", [&](NcclComm* comm) {
      return api_->AllGather(own.data(), blocks[0].data(), own.size(), NcclDType::kUint8, comm, stream_->handle());
    });
  }
  return call("ncclBroadcast", [&](NcclComm* comm) {
    NcclResult result = api_->GroupStart();
    for (size_t rank = 0; rank < blocks.size() && result == kNcclSuccess; ++rank) {
      const auto block = blocks[rank];
      if (block.empty()) continue;
      result = api_->Broadcast(block.data(), block.data(), block.size(), NcclDType::kUint8, static_cast<int>(rank),
                               comm, stream_->handle());
      if (result == kNcclInProgress) result = kNcclSuccess;
    }
    const NcclResult ended = api_->GroupEnd();
    return result == kNcclSuccess ? ended : result;
  });
}

Status NcclBackend::broadcast(std::span<std::byte> data, int root) {
  if (data.empty()) return Status::okay();
  return call("ncclBroadcast", [&](NcclComm* comm) {
    return api_->Broadcast(data.data(), data.data(), data.size(), NcclDType::kUint8, root, comm, stream_->handle());
  });
}

Status NcclBackend::reducescatter(std::span<const std::span<std::byte>> blocks, DType dtype, ReduceOp op) {
  const auto own = blocks[index()];
  const size_t bytes = elementSize(dtype);
  if (equallyLong(blocks) && inOneRun(blocks)) {
    if (own.empty()) return Status::okay();
    return call("ncclReduceScatter", [&](NcclComm* comm) {
      return api_->ReduceScatter(blocks[0].data(), own.data(), own.size() / bytes, dtypeOf(dtype), opOf(dtype, op),
                                 comm, stream_->handle());
    });
  }
  return call("ncclReduce", [&](NcclComm* comm) {
    NcclResult result = api_->GroupStart();
    for (size_t rank = 0; rank < blocks.size() && result == kNcclSuccess; ++rank) {
      const auto block = blocks[rank];
      if (block.empty()) continue;
      result = api_->Reduce(block.data(), block.data(), block.size() / bytes, dtypeOf(dtype), opOf(dtype, op),
                            static_cast<int>(rank), comm, stream_->handle());
      if (result == kNcclInProgress) result = kNcclSuccess;
    }
    const NcclResult ended = api_->GroupEnd();
    return result == kNcclSuccess ? ended : result;
  });
}

Status NcclBackend::alltoall(std::span<const std::byte> from, std::span<std::byte> into, const PairSizes& sizes) {
  return call("ncclSend and ncclRecv", [&](NcclComm* comm) {
    NcclResult result = api_->GroupStart();
    size_t given = 0;
    size_t taken = 0;
    for (size_t peer = 0; peer < size() && result == kNcclSuccess; ++peer) {
      const size_t give = sizes.of(index(), peer);
      const size_t take = sizes.of(peer, index());
      const int rank = static_cast<int>(peer);
      if (give > 0) {
        result = api_->Send(from.data() + given, give, NcclDType::kUint8, rank, comm, stream_->handle());
        if (result == kNcclInProgress) result = kNcclSuccess;
      }
      if (take > 0 && result == kNcclSuccess) {
        result = api_->Recv(into.data() + taken, take, NcclDType::kUint8, rank, comm, stream_->handle());
        if (result == kNcclInProgress) result = kNcclSuccess;
      }
      given += give;
      taken += take;
    }
    const NcclResult ended = api_->GroupEnd();
    return result == kNcclSuccess ? ended : result;
  });
}

Status NcclBackend::adasum(std::span<std::byte> /*data*/, DType dtype, std::span<const Range> /*tensors*/) {
  return checkCombines(dtype, ReduceOp::kAdasum);
}

template <typename Make>
Status NcclBackend::call(std::string_view what, Make make) {
  const CudaDevice::Use use(*device_);
  if (!use.status().ok()) return use.status();
  return using_->call(what, Deadline::in(timeout_), make);
}

}  // namespace tsring
