#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>

#include "base/status.h"
#include "transport/shm/host_group.h"

namespace tsring {

/// For pieces 0 to count - 1, equally many on all members: `fill` puts what others read into our slot, and `use` reads
/// theirs once all have. The next piece is filled in before the others are waited for. Fails with kTimeout when no
/// member moves for `stallLimit`, kShutDown when the group is interrupted, and with what `between` fails with, which is
/// called after each piece.
Status throughSlots(HostGroup& group, size_t count, std::chrono::milliseconds stallLimit,
                    const std::function<void(size_t piece, std::byte* slot)>& fill,
                    const std::function<void(size_t piece, size_t slot)>& use, const std::function<Status()>& between);

/// Piece `i` of bytes that are moved in pieces of `most` bytes; empty where they have fewer.
template <typename Byte>
std::span<Byte> pieceOf(std::span<Byte> bytes, size_t most, size_t i) {
  const size_t begin = i * most < bytes.size() ? i * most : bytes.size();
  const size_t rest = bytes.size() - begin;
  return bytes.subspan(begin, most < rest ? most : rest);
}

void copy(std::byte* to, std::span<const std::byte> from);

}  // namespace tsring
