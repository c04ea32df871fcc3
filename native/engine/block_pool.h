#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/mutex.h"

namespace tsring {

/// A run of memory, 64-byte aligned (what TensorFlow asks for to take it without a copy), huge pages where they pay.
class Block {
 public:
  explicit Block(size_t bytes);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  std::byte* data_;
  size_t bytes_;
};

/// Blocks that come back when their last user lets go, so that a training step allocates nothing once warm: fresh pages
/// cost more than the reduction itself. Any thread. Keeps hardly more than was in use at once, and lets
/// go of what was not asked for in a while.
class BlockPool {
 public:
  BlockPool();

  /// A block of at least `bytes`, with whatever was in it. Held until the last copy of the pointer goes, also after the
  /// pool.
  std::shared_ptr<Block> take(size_t bytes);

  /// Lets go of all blocks that nobody uses, and keeps later ones by what is in use from now on.
  void trim();

 private:
  struct Shelf;
  std::shared_ptr<Shelf> shelf_;  // outlives the pool while blocks are out
};

}  // namespace tsring
