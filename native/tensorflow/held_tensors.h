#pragma once

#include <cstdint>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "engine/ticket.h"
#include "tensorflow/tensorflow_api.h"

namespace tsring {

/// The tensors that the engine reads and writes on behalf of a ticket, kept alive while JavaScript may dispose of its
/// own references. Process-wide, like the tickets. Called on JS threads; each lets go of what it held, as tfjs-node
/// asks for.
class HeldTensors {
 public:
  static HeldTensors& process();

  /// `results` are those that the engine writes to; none where it brings the memory.
  void hold(std::shared_ptr<Ticket> ticket, std::vector<TensorReference> inputs,
            std::vector<TensorReference> results = {});

  /// Lets the ticket's tensors go, and hands out the results. Where the engine may still be using them (the wait for it
  /// has timed out) there are none, and the tensors go in a later call once it no longer does.
  std::vector<TensorReference> release(int32_t ticket);

 private:
  struct Entry {
    std::shared_ptr<Ticket> ticket;
    std::vector<TensorReference> inputs;
    std::vector<TensorReference> results;
    std::thread::id owner = std::this_thread::get_id();
    bool released = false;
  };
  Mutex mutex_;
  std::unordered_map<int32_t, Entry> entries_ GUARDED_BY(mutex_);
};

}  // namespace tsring
