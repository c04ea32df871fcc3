#include "nccl/nccl_backend.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <tuple>

#include "nccl/foreign_memory.h"
#include "nccl/staged_copies.h"

namespace tsring {
namespace {

constexpr std::chrono::seconds kWorkEnds{10};

}  // namespace

NcclBackend::NcclBackend(CollectiveBackend& meet, GpuChoice choice, std::vector<std::string> names,
                         std::chrono::milliseconds timeout)
    : NcclBackend(meet, std::move(choice), std::move(names), timeout,
                  Team::whole(static_cast<int>(meet.index()), static_cast<int>(meet.size()))) {}

NcclBackend::NcclBackend(CollectiveBackend& meet, GpuChoice choice, std::vector<std::string> names,
                         std::chrono::milliseconds timeout, Team group)
    : meet_(meet), choice_(std::move(choice)), names_(std::move(names)), timeout_(timeout), group_(std::move(group)) {}

// After a failure work may still be under way. What does not end keeps its memory: better a leak than a crash.
NcclBackend::~NcclBackend() {
  close();
  if (awaitRest(Deadline::in(kWorkEnds))) return;
  for (Lane& lane : lanes_) std::ignore = lane.table.waiting.release();
}

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
  lanes_.clear();
  for (size_t i = 0; i < streams(); ++i) {
    auto stream = CudaStream::create(device);
    if (!stream.ok()) return stream.status();
    auto table = DeviceKernels::makeTable(device);
    if (!table.ok()) return table.status();
    lanes_.push_back({std::move(stream).value(), std::move(table).value(), nullptr});
  }
  auto lastCall = CudaEvent::create(device);
  if (!lastCall.ok()) return lastCall.status();
  lastCall_ = std::move(lastCall).value();
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
  std::shared_ptr<DeviceMemory>& fusion = lanes_[lane_].fusion;
  if (fusion && fusion->bytes() >= bytes) return fusion->data();
  if (fusion) {
    // What was queued may still use it.
    if (Status s = finish(); !s.ok()) return s;
    fusion = nullptr;
  }
  auto memory = DeviceMemory::allocate(device_, std::bit_ceil(std::max<size_t>(bytes, 1)));
  if (!memory.ok()) return memory.status();
  fusion = std::move(memory).value();
  return fusion->data();
}

Result<std::unique_ptr<DeviceCopies>> NcclBackend::copies(size_t bytes) {
  if (!unlinked_) unlinked_ = device_;
  if (!unlinked_) {
    auto opened = openGpu(choice_.device);
    // Of ours alone: not what all ranks would come to.
    if (!opened.ok()) return Status(StatusCode::kInternal, std::string(opened.status().message()));
    unlinked_ = std::move(opened).value();
  }
  auto copies = StagedCopies::open(unlinked_, bytes, pinned_, timeout_);
  if (!copies.ok()) return copies.status();
  return std::unique_ptr<DeviceCopies>(std::move(copies).value());
}

Status NcclBackend::copy(std::span<const DeviceCopy> copies, DType from, DType to, double factor) {
  const CudaDevice::Use use(*device_);
  if (!use.status().ok()) return use.status();
  return kernels_->copy(*lanes_[lane_].stream, lanes_[lane_].table, copies, from, to, factor, Deadline::in(timeout_));
}

Status NcclBackend::toHost(std::span<std::byte> to, std::span<const std::byte> from) {
  if (from.empty()) return Status::okay();
  const CudaDevice::Use use(*device_);
  if (!use.status().ok()) return use.status();
  const auto address = std::bit_cast<CudaAddress>(from.data());
  const CudaApi& api = device_->api();
  return api.check(api.MemcpyDtoHAsync_v2(to.data(), address, from.size(), lanes_[lane_].stream->handle()),
                   "cuMemcpyDtoHAsync");
}

Status NcclBackend::toDevice(std::span<std::byte> to, std::span<const std::byte> from) {
  if (from.empty()) return Status::okay();
  const CudaDevice::Use use(*device_);
  if (!use.status().ok()) return use.status();
  const auto address = std::bit_cast<CudaAddress>(to.data());
  const CudaApi& api = device_->api();
  return api.check(api.MemcpyHtoDAsync_v2(address, from.data(), from.size(), lanes_[lane_].stream->handle()),
                   "cuMemcpyHtoDAsync");
}

bool NcclBackend::awaitRest(Deadline deadline) {
  return std::ranges::all_of(lanes_, [&](const Lane& lane) { return lane.stream->finish(deadline).ok(); });
}

/// An event at the end of each stream.
class NcclBackend::Queued final : public DeviceWork {
 public:
  explicit Queued(NcclBackend& backend) : backend_(backend) {}

  Status record() {
    const CudaDevice::Use use(*backend_.device_);
    if (!use.status().ok()) return use.status();
    for (const Lane& lane : backend_.lanes_) {
      auto end = CudaEvent::create(backend_.device_);
      if (!end.ok()) return end.status();
      ends_.push_back(std::move(end).value());
      if (Status s = ends_.back()->record(lane.stream->handle()); !s.ok()) return s;
    }
    return Status::okay();
  }

  // The time that it may take begins with the first look.
  Result<bool> wait(const std::function<bool()>& enough) override {
    if (!deadline_) deadline_ = Deadline::in(backend_.timeout_);
    for (; done_ < ends_.size(); ++done_) {
      const auto waited = backend_.using_->finish(*ends_[done_], *deadline_, enough);
      if (!waited.ok() || !waited.value()) return waited;
    }
    return true;
  }

 private:
  NcclBackend& backend_;
  std::vector<std::unique_ptr<CudaEvent>> ends_;
  size_t done_ = 0;
  std::optional<Deadline> deadline_;
};

Result<std::unique_ptr<DeviceWork>> NcclBackend::queued() {
  auto work = std::make_unique<Queued>(*this);
  if (Status s = work->record(); !s.ok()) return s;
  return std::unique_ptr<DeviceWork>(std::move(work));
}

Status NcclBackend::finish() {
  const auto work = queued();
  if (!work.ok()) return work.status();
  const auto waited = work.value()->wait([] { return false; });
  return waited.ok() ? Status::okay() : waited.status();
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
  return call("ncclAllReduce", [&](const NcclCalls& nccl) { return nccl.allreduce(data, dtype, op); });
}

Status NcclBackend::allgather(std::span<const std::span<std::byte>> blocks) {
  return call("ncclAllGather", [&](const NcclCalls& nccl) { return nccl.allgather(blocks, index()); });
}

Status NcclBackend::broadcast(std::span<std::byte> data, int root) {
  return call("ncclBroadcast", [&](const NcclCalls& nccl) { return nccl.broadcast(data, root); });
}

Status NcclBackend::reducescatter(std::span<const std::span<std::byte>> blocks, DType dtype, ReduceOp op) {
  return call("ncclReduceScatter",
              [&](const NcclCalls& nccl) { return nccl.reducescatter(blocks, index(), dtype, op); });
}

Status NcclBackend::alltoall(std::span<const std::byte> from, std::span<std::byte> into, const PairSizes& sizes) {
  return call("ncclSend and ncclRecv",
              [&](const NcclCalls& nccl) { return nccl.alltoall(from, into, sizes, index(), size()); });
}

Status NcclBackend::adasum(std::span<std::byte> /*data*/, DType dtype, std::span<const Range> /*tensors*/) {
  return checkCombines(dtype, ReduceOp::kAdasum);
}

// The communicator's calls follow each other, whatever streams they come by: each waits for the one before.
Status NcclBackend::call(std::string_view what, const std::function<NcclResult(const NcclCalls&)>& make) {
  const CudaDevice::Use use(*device_);
  if (!use.status().ok()) return use.status();
  CudaStreamHandle* const stream = lanes_[lane_].stream->handle();
  if (lanes_.size() > 1) {
    if (Status s = lastCall_->holdBack(stream); !s.ok()) return s;
  }
  const Status called = using_->call(what, Deadline::in(timeout_), [&](NcclComm* comm) {
    return make(NcclCalls{.api = *api_, .comm = comm, .stream = stream});
  });
  return called.ok() && lanes_.size() > 1 ? lastCall_->record(stream) : called;
}

}  // namespace tsring
