#pragma once

#include <chrono>
#include <deque>
#include <memory>

#include "collective/device_backend.h"
#include "nccl/cuda_stream.h"
#include "nccl/pinned_memory.h"

namespace tsring {

/// DeviceCopies of one GPU: a stream for each direction. After a failure a copy may still be under way; what does not
/// end keeps its memory: better a leak than a crash.
class StagedCopies final : public DeviceCopies {
 public:
  /// Takes `pinned` if it is large enough, otherwise pins some. A copy fails with kTimeout when it is not done after
  /// `timeout`.
  static Result<std::unique_ptr<StagedCopies>> open(std::shared_ptr<CudaDevice> device, size_t bytes,
                                                    std::unique_ptr<PinnedMemory>& pinned,
                                                    std::chrono::milliseconds timeout);
  /// Gives the memory back to where it came from.
  ~StagedCopies() override;
  StagedCopies(const StagedCopies&) = delete;
  StagedCopies& operator=(const StagedCopies&) = delete;

  std::span<std::byte> memory() const override { return memory_->bytes(); }
  Status fetch(std::span<std::byte> to, const std::byte* from) override;
  Status awaitFetched(size_t bytes) override;
  Status store(std::byte* to, std::span<const std::byte> from) override;
  Status finish() override;

 private:
  StagedCopies(std::shared_ptr<CudaDevice> device, std::unique_ptr<PinnedMemory>& home,
               std::chrono::milliseconds timeout)
      : device_(std::move(device)), home_(home), timeout_(timeout) {}

  /// The end of what was fetched up to some byte.
  struct Mark {
    size_t bytes;
    std::unique_ptr<CudaEvent> event;
  };

  const std::shared_ptr<CudaDevice> device_;
  std::unique_ptr<PinnedMemory>& home_;
  const std::chrono::milliseconds timeout_;
  std::unique_ptr<PinnedMemory> memory_;
  std::unique_ptr<CudaStream> in_;
  std::unique_ptr<CudaStream> out_;
  std::deque<Mark> marks_;
  size_t begun_ = 0;    // bytes that were to be fetched
  size_t fetched_ = 0;  // and are known to be there
};

}  // namespace tsring
