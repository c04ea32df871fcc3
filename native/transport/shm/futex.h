#pragma once

#include <atomic>
#include <cstdint>

#include "base/deadline.h"

namespace tsring {

/// Sleeps while `word` is `expected`, until woken or the deadline; may return early. Between processes too.
void futexWait(std::atomic<uint32_t>& word, uint32_t expected, Deadline deadline);
void futexWake(std::atomic<uint32_t>& word);

}  // namespace tsring
