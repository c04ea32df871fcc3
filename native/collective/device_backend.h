#pragma once

#include <functional>
#include <memory>

#include "collective/backend.h"

namespace tsring {

/// A run of elements that is copied within a GPU's memory. From nowhere come zeros.
struct DeviceCopy {
  std::byte* to;
  const std::byte* from;
  size_t count;  // elements
};

/// Work that was queued on a GPU, while its backend is there.
class DeviceWork {
 public:
  virtual ~DeviceWork() = default;
  /// Waits until it is done, and all that was queued before. Asks `enough` now and then, and comes back with false when
  /// that says so; then it can be called again. Fails as DeviceBackend::finish.
  virtual Result<bool> wait(const std::function<bool()>& enough) = 0;
};

/// Copies between main memory and our GPU's that go on by themselves, those of each direction in order.
class DeviceCopies {
 public:
  virtual ~DeviceCopies() = default;
  /// Main memory to copy to and from, for as long as this is there.
  virtual std::span<std::byte> memory() const = 0;
  /// Queues a copy into `memory()`.
  virtual Status fetch(std::span<std::byte> to, const std::byte* from) = 0;
  /// Waits until the first `bytes` of all that was to be fetched are there.
  virtual Status awaitFetched(size_t bytes) = 0;
  /// Queues a copy out of `memory()`.
  virtual Status store(std::byte* to, std::span<const std::byte> from) = 0;
  /// Waits until all is copied.
  virtual Status finish() = 0;
};

/// Collectives on the memory of GPUs, and what is done to such memory around them. Data are addresses on the GPU, which
/// the CPU cannot look at. Work is queued on streams: what goes to one is done in order, and collectives are done in
/// order on all; copies of one stream go on beside the work of others. What is moved counts only after `finish`, or the
/// work's own end. One thread at a time.
class DeviceBackend : public CollectiveBackend {
 public:
  /// Links the GPUs of all ranks up, if they are not yet; all ranks call it at the same time. Where that cannot be, it
  /// is for the same reason on all: kUnsupported, which leaves the ring as it was.
  virtual Status prepare() = 0;

  /// Whether elements of this dtype can be combined so: kUnsupported on all ranks alike, before anything is moved.
  virtual Status checkCombines(DType dtype, ReduceOp op) const = 0;

  /// How many streams there are.
  virtual size_t streams() const = 0;
  /// What comes next goes to the next stream, in turn. It must not touch what the work of another one writes, or write
  /// what that touches.
  virtual void nextStream() = 0;

  /// Memory of our GPU.
  virtual Result<std::shared_ptr<std::byte>> allocate(size_t bytes) = 0;
  /// Memory of this stream to pack tensors into, the same each time; what was asked for before is void once a larger
  /// one is asked for.
  virtual Result<std::byte*> fusionBuffer(size_t bytes) = 0;

  /// For copies, with `bytes` of main memory; one at a time. Also before `prepare`, and where that was refused.
  virtual Result<std::unique_ptr<DeviceCopies>> copies(size_t bytes) = 0;

  /// Multiplies elements of dtype `from` by `factor` and stores them as `to`: the same dtype, or float32 to or from a
  /// 16-bit float.
  virtual Status copy(std::span<const DeviceCopy> copies, DType from, DType to, double factor) = 0;

  /// All that was queued so far.
  virtual Result<std::unique_ptr<DeviceWork>> queued() = 0;
  /// Waits until all that was queued is done. Fails with kPeerLost, kTimeout, or kInternal where the GPU has failed;
  /// then, and after an interrupt, no operation works any more.
  virtual Status finish() = 0;

  /// Ends what is under way, here and, as they lose us, on the other ranks. Any thread; returns at once.
  virtual void interrupt() = 0;

  /// Takes leave of the other GPUs, in a bounded time. Nothing may be under way, or come after it.
  virtual void close() = 0;
};

}  // namespace tsring
