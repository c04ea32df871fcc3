#pragma once

#include <cstddef>

namespace tsring {

/// Copies `bytes`, and leaves no trace of `to` in the caches where the CPU can: it is not fetched from memory to be
/// overwritten. For what nobody reads soon. Others may see it after endStreams().
void streamCopy(std::byte* to, const std::byte* from, size_t bytes);

/// What this thread has copied so is there for all from now on.
void endStreams();

}  // namespace tsring
