#include "nccl/staged_copies.h"

#include <algorithm>
#include <bit>
#include <thread>
#include <tuple>

namespace tsring {
namespace {

constexpr std::chrono::seconds kLastCopies{10};
constexpr size_t kPinnedUnit = 1 << 20;

Status awaitEvent(CudaEvent& event, Deadline deadline) {
  return event.wait(deadline, [](std::chrono::microseconds pause) {
    pause.count() > 0 ? std::this_thread::sleep_for(pause) : std::this_thread::yield();
    return Status::okay();
  });
}

}  // namespace

Result<std::unique_ptr<StagedCopies>> StagedCopies::open(std::shared_ptr<CudaDevice> device, size_t bytes,
                                                         std::unique_ptr<PinnedMemory>& pinned,
                                                         std::chrono::milliseconds timeout) {
  if (!pinned || pinned->bytes().size() < bytes) {
    pinned = nullptr;
    auto more = PinnedMemory::allocate(device, (bytes / kPinnedUnit + 1) * kPinnedUnit);
    if (!more.ok()) return more.status();
    pinned = std::move(more).value();
  }
  auto in = CudaStream::create(device);
  if (!in.ok()) return in.status();
  auto out = CudaStream::create(device);
  if (!out.ok()) return out.status();
  auto copies = std::unique_ptr<StagedCopies>(new StagedCopies(std::move(device), pinned, timeout));
  copies->memory_ = std::move(pinned);
  copies->in_ = std::move(in).value();
  copies->out_ = std::move(out).value();
  return copies;
}

StagedCopies::~StagedCopies() {
  const Deadline deadline = Deadline::in(kLastCopies);
  if (in_->finish(deadline).ok() && out_->finish(deadline).ok()) {
    home_ = std::move(memory_);
  } else {
    std::ignore = memory_.release();
  }
}

Status StagedCopies::fetch(std::span<std::byte> to, const std::byte* from) {
  if (to.empty()) return Status::okay();
  const CudaDevice::Use use(*device_);
  if (!use.status().ok()) return use.status();
  const CudaApi& api = device_->api();
  const auto address = std::bit_cast<CudaAddress>(from);
  const CudaResult begun = api.MemcpyDtoHAsync_v2(to.data(), address, to.size(), in_->handle());
  if (Status s = api.check(begun, "cuMemcpyDtoHAsync"); !s.ok()) return s;
  auto event = CudaEvent::create(device_);
  if (!event.ok()) return event.status();
  if (Status s = event.value()->record(in_->handle()); !s.ok()) return s;
  begun_ += to.size();
  marks_.push_back({begun_, std::move(event).value()});
  return Status::okay();
}

Status StagedCopies::awaitFetched(size_t bytes) {
  for (; fetched_ < std::min(bytes, begun_); marks_.pop_front()) {
    if (Status s = awaitEvent(*marks_.front().event, Deadline::in(timeout_)); !s.ok()) return s;
    fetched_ = marks_.front().bytes;
  }
  return Status::okay();
}

Status StagedCopies::store(std::byte* to, std::span<const std::byte> from) {
  if (from.empty()) return Status::okay();
  const CudaDevice::Use use(*device_);
  if (!use.status().ok()) return use.status();
  const CudaApi& api = device_->api();
  const auto address = std::bit_cast<CudaAddress>(to);
  const CudaResult begun = api.MemcpyHtoDAsync_v2(address, from.data(), from.size(), out_->handle());
  return api.check(begun, "cuMemcpyHtoDAsync");
}

Status StagedCopies::finish() {
  if (Status s = in_->finish(Deadline::in(timeout_)); !s.ok()) return s;
  return out_->finish(Deadline::in(timeout_));
}

}  // namespace tsring
