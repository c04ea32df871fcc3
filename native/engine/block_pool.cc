#include "engine/block_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <new>

namespace tsring {
namespace {

constexpr size_t kBlockAlignment = 64;
constexpr size_t kHugePage = 2 << 20;

// Rounded so that near sizes share blocks: to the next eighth of a power of two.
size_t roundUp(size_t bytes) {
  size_t step = kBlockAlignment;
  while (step * 8 < bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

}  // namespace

Block::Block(size_t bytes) : bytes_(std::max(bytes, kBlockAlignment)) {
  const size_t alignment = bytes_ >= kHugePage ? kHugePage : kBlockAlignment;
  bytes_ = (bytes_ + alignment - 1) / alignment * alignment;
  data_ = static_cast<std::byte*>(std::aligned_alloc(alignment, bytes_));
  if (!data_) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  if (bytes_ >= kHugePage) ::madvise(data_, bytes_, MADV_HUGEPAGE);
#endif
}

Block::~Block() {
  std::free(data_);
}

/// The blocks nobody uses at present.
struct BlockPool::Shelf {
  Mutex mutex;
  struct Free {
    std::unique_ptr<Block> block;
    size_t since;  // the bytes taken before it came back
  };
  std::deque<Free> free GUARDED_BY(mutex);  // the longest unused first
  size_t takenBytes GUARDED_BY(mutex) = 0;
  size_t freeBytes GUARDED_BY(mutex) = 0;
  size_t usedBytes GUARDED_BY(mutex) = 0;
  size_t mostUsedBytes GUARDED_BY(mutex) = 0;

  std::unique_ptr<Block> fetch(size_t bytes) {
    MutexLock lock(mutex);
    // What could not serve while all was taken twice over was for something else: the broadcast before training, say.
    while (!free.empty() && takenBytes - free.front().since > 2 * mostUsedBytes) dropOldest();
    takenBytes += bytes;
    // The smallest that fits, unless it would waste as much again.
    auto best = free.end();
    for (auto it = free.begin(); it != free.end(); ++it) {
      const size_t size = it->block->bytes();
      if (size >= bytes && size <= std::max(2 * bytes, kHugePage) &&
          (best == free.end() || size < best->block->bytes()))
        best = it;
    }
    std::unique_ptr<Block> block;
    if (best != free.end()) {
      block = std::move(best->block);
      free.erase(best);
      freeBytes -= block->bytes();
    } else {
      while (!free.empty() && usedBytes + freeBytes + bytes > mostKept()) dropOldest();
      block = std::make_unique<Block>(roundUp(bytes));
    }
    usedBytes += block->bytes();
    mostUsedBytes = std::max(mostUsedBytes, usedBytes);
    return block;
  }

  void giveBack(std::unique_ptr<Block> block) {
    MutexLock lock(mutex);
    usedBytes -= block->bytes();
    freeBytes += block->bytes();
    free.push_back({std::move(block), takenBytes});
    while (usedBytes + freeBytes > mostKept() && free.size() > 1) dropOldest();
  }

  void trim() {
    MutexLock lock(mutex);
    free.clear();
    freeBytes = 0;
    mostUsedBytes = usedBytes;
  }

  /// Some more than was in use at once, so that a small block does not drive out a large one.
  size_t mostKept() const REQUIRES(mutex) { return mostUsedBytes + mostUsedBytes / 8; }

  void dropOldest() REQUIRES(mutex) {
    freeBytes -= free.front().block->bytes();
    free.pop_front();
  }
};

BlockPool::BlockPool() : shelf_(std::make_shared<Shelf>()) {}

void BlockPool::trim() {
  shelf_->trim();
}

std::shared_ptr<Block> BlockPool::take(size_t bytes) {
  auto shelf = shelf_;
  return {shelf->fetch(bytes).release(), [shelf](Block* block) { shelf->giveBack(std::unique_ptr<Block>(block)); }};
}

}  // namespace tsring
