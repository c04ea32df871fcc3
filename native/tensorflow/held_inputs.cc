#include "tensorflow/held_inputs.h"

namespace tsring {

HeldInputs& HeldInputs::process() {
  static auto* held = new HeldInputs;  // never destroyed: at exit TensorFlow may be gone before us
  return *held;
}

void HeldInputs::hold(std::shared_ptr<Ticket> ticket, std::vector<TensorReference> inputs) {
  MutexLock lock(mutex_);
  const int32_t id = ticket->id;
  entries_[id] = {.ticket = std::move(ticket), .inputs = std::move(inputs)};
}

void HeldInputs::release(int32_t ticket) {
  MutexLock lock(mutex_);
  if (const auto it = entries_.find(ticket); it != entries_.end()) it->second.released = true;
  std::erase_if(entries_, [me = std::this_thread::get_id()](const auto& item) {
    const Entry& entry = item.second;
    return entry.released && entry.owner == me && entry.ticket->settled();
  });
}

}  // namespace tsring
