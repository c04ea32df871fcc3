#include "tensorflow/held_tensors.h"

#include <utility>

namespace tsring {

HeldTensors& HeldTensors::process() {
  static auto* held = new HeldTensors;  // never destroyed: at exit TensorFlow may be gone before us
  return *held;
}

void HeldTensors::hold(std::shared_ptr<Ticket> ticket, std::vector<TensorReference> inputs,
                       std::vector<TensorReference> results) {
  MutexLock lock(mutex_);
  const int32_t id = ticket->id;
  entries_[id] = {.ticket = std::move(ticket), .inputs = std::move(inputs), .results = std::move(results)};
}

std::vector<TensorReference> HeldTensors::release(int32_t ticket) {
  std::vector<TensorReference> results;
  MutexLock lock(mutex_);
  if (const auto it = entries_.find(ticket); it != entries_.end()) {
    it->second.released = true;
    if (it->second.ticket->settled()) results = std::move(it->second.results);
  }
  std::erase_if(entries_, [me = std::this_thread::get_id()](const auto& item) {
    const Entry& entry = item.second;
    return entry.released && entry.owner == me && entry.ticket->settled();
  });
  return results;
}

}  // namespace tsring
