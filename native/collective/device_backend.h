#pragma once

#include <memory>

#include "collective/backend.h"

namespace tsring {

/// A run of elements that is copied within a GPU's memory. From nowhere come zeros.
struct DeviceCopy {
  std::byte* to;
  const std::byte* from;
  size_t count;  // elements
};

/// Collectives on the memory of GPUs, and what is done to such memory around them. Data are addresses on the GPU, which
/// the CPU cannot look at. Work is queued and done in order: what is moved counts only after `finish`. One thread at a
/// time.
class DeviceBackend : public CollectiveBackend {
 public:
  /// Links the GPUs of all ranks up, if they are not yet; all ranks call it at the same time. Where that cannot be, it
  /// is for the same reason on all: kUnsupported, which leaves the ring as it was.
  virtual Status prepare() = 0;

  /// Whether elements of this dtype can be combined so: kUnsupported on all ranks alike, before anything is moved.
  virtual Status checkCombines(DType dtype, ReduceOp op) const = 0;

  /// Memory of our GPU.
  virtual Result<std::shared_ptr<std::byte>> allocate(size_t bytes) = 0;
  /// Memory to pack tensors into, the same each time; what was asked for before is void once a larger one is asked for.
  virtual Result<std::byte*> fusionBuffer(size_t bytes) = 0;

  /// Copy between main memory and our GPU, of equal lengths, and wait for the end. Also before `prepare`, and where
  /// that was refused.
  virtual Status fetch(std::span<std::byte> to, std::span<const std::byte> from) = 0;
  virtual Status store(std::span<std::byte> to, std::span<const std::byte> from) = 0;

  /// Multiplies elements of dtype `from` by `factor` and stores them as `to`: the same dtype, or float32 to or from a
  /// 16-bit float.
  virtual Status copy(std::span<const DeviceCopy> copies, DType from, DType to, double factor) = 0;

  /// Waits until all that was queued is done. Fails with kPeerLost, kTimeout, or kInternal where the GPU has failed;
  /// then, and after an interrupt, no operation works any more.
  virtual Status finish() = 0;

  /// Ends what is under way, here and, as they lose us, on the other ranks. Any thread; returns at once.
  virtual void interrupt() = 0;

  /// Takes leave of the other GPUs, in a bounded time. Nothing may be under way, or come after it.
  virtual void close() = 0;
};

}  // namespace tsring
